import { byId, element, icon } from "./dom.js";

/** What can be shared besides files: a sample of each, since nobody has to be asked for one. */
const SAMPLES = [
  ["place", "Location", { kind: "location", latitude: 52.5163, longitude: 13.3777 }],
  [
    "place",
    "Place",
    {
      kind: "venue",
      latitude: 52.5163,
      longitude: 13.3777,
      title: "Brandenburg Gate",
      address: "Pariser Platz, Berlin",
    },
  ],
  ["person", "Contact", { kind: "contact", phoneNumber: "+1 202 555 0143", firstName: "Grace" }],
  ["poll", "Poll", { kind: "poll", question: "Where shall we meet?", options: ["At the gate", "At the station"] }],
  ["dice", "Dice", { kind: "dice", emoji: "🎲" }],
  ["play", "Animated sticker", { kind: "sticker" }],
];

/** What opens with the paper clip. `onFiles` is told whether a round video is wanted, `onShare` what is shared. */
export function createAttachMenu(onFiles, onShare) {
  const menu = byId("attach-menu");
  const button = byId("attach");
  button.append(icon("clip"));
  const entries = [
    ["file", "Photos, videos or files", () => onFiles(false)],
    ["film", "Round video message", () => onFiles(true)],
    ...SAMPLES.map(([sign, label, shared]) => [sign, `${label} (a sample)`, () => onShare(shared)]),
  ];
  menu.append(
    ...entries.map(([sign, label, act]) =>
      element(
        "button",
        {
          type: "button",
          role: "menuitem",
          "data-testid": "attach-item",
          onclick: () => {
            close();
            act();
          },
        },
        icon(sign),
        label,
      ),
    ),
  );
  button.addEventListener("click", () => {
    if (!menu.hidden) return close();
    menu.hidden = false;
    button.setAttribute("aria-expanded", "true");
    menu.firstElementChild.focus();
  });
  menu.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    if (!menu.hidden && !menu.contains(event.target) && !button.contains(event.target)) close();
  });

  function onKey(event) {
    const items = [...menu.children];
    const at = items.indexOf(document.activeElement);
    if (event.key === "Escape") {
      close();
      button.focus();
    } else if (event.key === "ArrowDown") items[(at + 1) % items.length].focus();
    else if (event.key === "ArrowUp") items[(at + items.length - 1) % items.length].focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function close() {
    menu.hidden = true;
    button.setAttribute("aria-expanded", "false");
  }
}
