// A classic script in the head, so that the first paint has the chosen colours. By default, the system decides.
(() => {
  const KEY = "crewkit.theme";
  const root = document.documentElement;
  const read = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const apply = (theme) => (theme ? root.setAttribute("data-theme", theme) : root.removeAttribute("data-theme"));
  const system = matchMedia("(prefers-color-scheme: dark)");
  apply(read());
  window.crewkitTheme = {
    isDark: () => (read() ?? (system.matches ? "dark" : "light")) === "dark",
    toggle() {
      const theme = this.isDark() ? "light" : "dark";
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        /* private mode: the choice is for this page only */
      }
      apply(theme);
    },
  };
})();
