// Shows the chat on any page of an allowed site:
//   <script src="https://<hub>/chat/widget.js" data-label="Chat" async></script>
// A button opens the chat in a frame; nothing of the page's can be read by it.
(() => {
  const { src, dataset } = document.currentScript;
  const home = new URL("./", src).href;
  const label = dataset.label || "Chat";

  const frame = document.createElement("iframe");
  frame.title = label;
  frame.hidden = true;
  frame.id = "contoso-chat";

  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", frame.id);

  // Styles are set one by one: a page's policy may refuse style sheets of others.
  const look = (node, style) => { for (const [name, value] of Object.entries(style)) node.style.setProperty(name, value); };
  look(button, {
    position: "fixed", "inset-block-end": "16px", "inset-inline-end": "16px", "z-index": "2147483647", padding: "12px 20px",
    font: "600 16px/24px system-ui, sans-serif", color: "#fff", background: "#3451c6", border: "2px solid #fff", "border-radius": "28px", cursor: "pointer",
  });
  look(frame, {
    position: "fixed", "inset-block-end": "80px", "inset-inline-end": "16px", "z-index": "2147483647", width: "min(400px, calc(100vw - 32px))",
    height: "min(640px, calc(100dvh - 96px))", border: "1px solid #858a96", "border-radius": "16px", background: "Canvas", "color-scheme": "light dark",
  });

  const show = (open) => {
    frame.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (!open) return;
    if (!frame.src) frame.src = home; // the chat is loaded when it is wanted
    frame.focus();
  };
  button.addEventListener("click", () => show(frame.hidden));
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || frame.hidden) return;
    show(false);
    button.focus();
  });
  document.body.append(frame, button);
})();
