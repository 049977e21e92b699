/** What the hub watches about who comes in. The labels of the points name the node and say what is wrong. */
export const IDENTITY_RULES = [
  {
    id: "node-identity",
    points: ["hub.identity-*"],
    title: "{label}",
    runbook:
      "If the Pi was stolen, lost or copied: plenum-hub revoke <node>. If its certificate ran out or is " +
      "not known: plenum-hub enrol <node>, then plenum-edge enrol on the Pi. Its readings wait there.",
  },
  {
    id: "plain-listener",
    points: ["hub.plain-*"],
    title: "{label}",
    runbook:
      "Set tls in site.yaml (docs/security.md) and enrol the nodes. Until then anybody on this " +
      "network can read passwords, or pass for any node.",
  },
];
