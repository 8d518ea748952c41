// Shows the chat on any page of an allowed site:
//   <script src="https://<hub>/chat/widget.js" data-label="Chat" async></script>
// A button opens the chat in a frame; nothing of the page's can be read by it. Over
// the pages of a visit an open chat stays open, and one that was closed counts.
(() => {
  const { src, dataset } = document.currentScript;
  const home = new URL("./", src);
  const label = dataset.label || "Chat";
  const key = "contoso-chat"; // what a visit has: "open", "closed", or no chat yet

  const make = (name, style, properties) => {
    const node = Object.assign(document.createElement(name), properties);
    // Styles are set one by one: a page's policy may refuse style sheets of others.
    for (const [of, value] of Object.entries(style)) node.style.setProperty(of, value);
    return node;
  };
  const above = { position: "fixed", "inset-inline-end": "16px", "z-index": "2147483647" };
  const corner = make("div", { ...above, "inset-block-end": "16px" });
  const button = make("button", {
    "min-height": "48px", padding: "8px 20px", margin: "0", font: "600 16px/28px system-ui, sans-serif",
    color: "#fff", background: "#3451c6", border: "2px solid #fff", "border-radius": "28px", cursor: "pointer",
  }, { type: "button", textContent: label });
  const badge = make("span", {
    position: "absolute", "inset-block-start": "-10px", "inset-inline-end": "-6px", "min-width": "28px", padding: "0 6px", "box-sizing": "border-box",
    font: "600 14px/24px system-ui, sans-serif", color: "#fff", background: "#b3261e", border: "2px solid #fff", "border-radius": "14px",
    "text-align": "center", "pointer-events": "none",
  }, { hidden: true });
  const news = make("p", { position: "fixed", width: "1px", height: "1px", margin: "0", overflow: "hidden", "clip-path": "inset(50%)" });
  const frame = make("iframe", {
    ...above, "inset-block-end": "80px", width: "min(400px, calc(100vw - 32px))", height: "min(640px, calc(100vh - 96px))", "max-height": "calc(100dvh - 96px)",
    border: "1px solid #858a96", "border-radius": "16px", background: "Canvas", "color-scheme": "light dark", "box-shadow": "0 8px 32px rgb(0 0 0 / 25%)",
  }, { id: key, title: label, hidden: true });
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", frame.id);
  badge.setAttribute("aria-hidden", "true");
  news.setAttribute("role", "status");

  const storage = (work) => { try { return work(sessionStorage); } catch { return null; } }; // a site may have none
  let ready = false; // until the chat says so there is nobody to tell
  const tell = () => {
    if (ready) frame.contentWindow.postMessage({ chatOpen: !frame.hidden, focus: document.activeElement === frame }, home.origin);
  };
  const load = () => { if (!frame.src) frame.src = home.href; }; // when it is wanted
  const show = (open) => {
    storage((kept) => kept.setItem(key, open ? "open" : "closed"));
    load();
    frame.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (open) frame.focus();
    else button.focus();
    tell();
  };
  const count = ({ chatUnread, text }) => {
    badge.hidden = chatUnread === 0;
    badge.textContent = chatUnread > 99 ? "99+" : chatUnread;
    news.textContent = chatUnread > 0 ? String(text) : "";
    if (chatUnread > 0) button.setAttribute("aria-label", `${label}. ${text}`);
    else button.removeAttribute("aria-label");
  };
  button.addEventListener("click", () => show(frame.hidden));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && !frame.hidden) show(false);
  });
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== home.origin) return;
    if (data.chatReady) {
      ready = true;
      tell();
    }
    if (data.chatClose && !frame.hidden) show(false);
    if (Number.isInteger(data.chatUnread)) count(data);
  });
  corner.append(button, badge, news);
  document.body.append(frame, corner);

  const before = storage((kept) => kept.getItem(key));
  if (before) load();
  if (before === "open") {
    frame.hidden = false;
    button.setAttribute("aria-expanded", "true");
  }
})();
