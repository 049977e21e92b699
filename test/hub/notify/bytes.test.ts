import fc from "fast-check";
import { expect, test } from "vitest";
import {
  fitsGsm,
  gsmBytes,
  gsmText,
  ucs2Hex,
  ucs2Text,
} from "../../../hub/notify/sms/gsm-alphabet.ts";
import { GSM_CHARS, smsParts, UCS2_CHARS } from "../../../hub/notify/sms/sms-text.ts";
import { MAX_RECORD_BYTES, syslogRecord } from "../../../hub/notify/syslog/record.ts";
import { page } from "./messages.ts";

const anyText = fc.string({ unit: "grapheme", maxLength: 400 });

test("any subject becomes SMS of 160 GSM or 70 UCS2 characters, the first with the code", () => {
  fc.assert(
    fc.property(anyText, anyText, (subject, runbook) => {
      const alarm = { id: "a", occurrence: 1, priority: 1, title: "t", runbook };
      const parts = smsParts({ ...page("raised", { alarm }), subject });
      expect(parts[0]?.text).toMatch(/ Reply 4711 to acknowledge\.$/);
      expect(parts.length).toBeLessThanOrEqual(2);
      for (const { text, alphabet } of parts)
        expect(text.length).toBeLessThanOrEqual(alphabet === "gsm" ? GSM_CHARS : UCS2_CHARS);
    }),
  );
});

test("no text gives a modem a byte below 32, which it would take for a command", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      if (!fitsGsm(text)) return;
      expect([...gsmBytes(text)].every((byte) => byte >= 32)).toBe(true);
      expect(gsmText(gsmBytes(text))).toBe(text);
    }),
  );
  for (const char of "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞ") expect(fitsGsm(char)).toBe(false);
  expect(gsmBytes("Äü ¤§").toString("hex")).toBe("5b7e20245f");
});

test("UCS2 in hex is the same text again", () => {
  fc.assert(fc.property(anyText, (text) => ucs2Text(ucs2Hex(text)) === text));
  expect(ucs2Hex("Δ°")).toBe("039400B0");
});

test("any text makes one syslog line of at most 2,048 bytes of whole characters", () => {
  fc.assert(
    fc.property(anyText, anyText, anyText, (subject, site, link) => {
      const message = { ...page("raised", { site, link }), subject: subject.repeat(8) };
      const record = syslogRecord(message, { facility: 16, hostname: "h", pid: 1 });
      expect(record.length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
      expect(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(record)).not.toMatch(
        /\p{Cc}/u,
      );
    }),
  );
});
