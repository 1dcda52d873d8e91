// Delays work until its place comes into view.

/** Call `action` once, when `element` first comes into view; not after `signal` is aborted. */
export function whenSeen(element, signal, action) {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    action();
  });
  observer.observe(element);
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
}
