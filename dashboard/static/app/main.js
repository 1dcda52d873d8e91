// The entry of the dashboard.
document.querySelector("#app").textContent = "crewkit-sessions";
