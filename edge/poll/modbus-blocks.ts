import type { Clock } from "../../contract/clock.ts";
import type { BadReason } from "../../contract/reading.ts";
import type { Wire } from "../profiles/decode.ts";
import { planRequests, type ReadRequest, splitRequest } from "../profiles/plan.ts";
import { type Field, isText, type Profile } from "../profiles/schema.ts";

/** A refused register is asked for again this often: some devices refuse until they have data. */
const REFUSED_MS = 60_000;
/** One that is met with silence costs far more, and is asked for again more seldom. */
const SILENT_MS = 3_600_000;
/** Divided requests are tried whole again this often. */
const REPLAN_MS = 3_600_000;

/** One request, and what its answers have taught. */
export interface Block {
  request: ReadRequest;
  /** Times in a row that it brought nothing while the unit answered other questions. */
  silences: number;
  /** How the last of them looked: no answer, or a damaged one. */
  trouble?: BadReason;
  /** When it was last asked for, once it is in doubt. */
  triedAtMs?: number;
  /** It was answered once. */
  seen?: true;
  /** Set when it is a single value that the unit does not have. */
  hole?: { reason: BadReason; untilMs: number; silent: boolean };
}

/** Whether the block brought nothing the last time it was asked for. */
export const isDoubtful = ({ silences, hole }: Block): boolean =>
  silences > 0 || hole !== undefined;

/**
 * The requests of one unit. It begins with as few as the profile allows; what the unit refuses or leaves
 * unanswered is divided until only the missing values stand alone.
 */
export class Blocks {
  readonly #profile: Profile;
  readonly #clock: Clock;
  #blocks: Block[] = [];
  /** When the first division of the present plan was made. */
  #dividedAtMs: number | undefined;
  /** Fields whose zeros are real: they were not zero once, or were read on their own. */
  readonly #proven = new Set<string>();
  /** Fields that were in an answer: later silence about them is trouble on the line, not a hole. */
  readonly #seen = new Set<string>();

  constructor(profile: Profile, clock: Clock) {
    this.#profile = profile;
    this.#clock = clock;
    this.#plan([]);
  }

  /** Another device or firmware may answer from now on. */
  forget(): void {
    this.#proven.clear();
    this.#seen.clear();
    this.#plan([]);
  }

  /** What is to be asked in a poll of this class. */
  wanted(className: string): Block[] {
    if (this.#clock.monoMs() - (this.#dividedAtMs ?? Number.POSITIVE_INFINITY) >= REPLAN_MS)
      this.#plan(this.#blocks.filter(({ hole }) => hole?.silent));
    const asked: Block[] = [];
    let inDoubt = false;
    for (const block of this.#blocks) {
      if (block.request.class !== className || this.#isHole(block)) continue;
      inDoubt ||= isDoubtful(block);
      asked.push(block);
    }
    // What is in doubt comes last, the longest untried first, as there may be time for one of them only.
    const triedAt = (block: Block) => (isDoubtful(block) ? (block.triedAtMs ?? 0) : -1);
    return inDoubt ? asked.sort((a, b) => triedAt(a) - triedAt(b)) : asked;
  }

  /** What the unit is known not to have. */
  holes(className?: string): Block[] {
    return this.#blocks.filter(
      (block) =>
        block.hole !== undefined &&
        (className === undefined || block.request.class === className) &&
        this.#isHole(block),
    );
  }

  answered(block: Block): void {
    block.silences = 0;
    delete block.hole;
    if (block.seen) return;
    block.seen = true;
    for (const { id } of block.request.fields) this.#seen.add(id);
  }

  /** The block brought nothing, though the unit answers other questions. */
  silenced(block: Block, trouble: BadReason): void {
    block.silences += 1;
    block.trouble = trouble;
    block.triedAtMs = this.#clock.monoMs();
  }

  /** Whether silence about this block can mean that the unit does not have all of it. */
  mayLack({ request }: Block): boolean {
    return request.fields.some(({ id }) => !this.#seen.has(id));
  }

  /** The halves of a block that the unit does not give, or undefined for a single value. */
  divide(block: Block): Block[] | undefined {
    const halves = splitRequest(block.request)?.map((request) => ({
      request,
      silences: block.silences,
      ...(block.trouble && { trouble: block.trouble }),
    }));
    if (!halves) return undefined;
    this.#dividedAtMs ??= this.#clock.monoMs();
    this.#replace(block, halves);
    return halves;
  }

  /** The unit refuses this single value. */
  refused(block: Block, reason: BadReason): void {
    block.hole = { reason, untilMs: this.#clock.monoMs() + REFUSED_MS, silent: false };
  }

  /** The unit answers everything but this single value. */
  silent(block: Block): void {
    const untilMs = this.#clock.monoMs() + SILENT_MS;
    block.hole = { reason: "unsupported", untilMs, silent: true };
  }

  /** Takes a field that does not exist out of a block whose other values are sound. */
  remove(block: Block, field: Field, reason: BadReason): void {
    const { fc, address, count } = field;
    const alone: Block = {
      request: { fc, address, count, class: field.class, fields: [field] },
      silences: 0,
    };
    this.refused(alone, reason);
    block.request = {
      ...block.request,
      fields: block.request.fields.filter((other) => other !== field),
    };
    this.#replace(block, block.request.fields.length > 0 ? [block, alone] : [alone]);
  }

  /** Fields that read as zero in a device whose holes read as zero too, and were never proven to exist. */
  doubtful({ request }: Block, wire: Wire): Field[] {
    if (!this.#profile.limits.holesReturnZero) return [];
    return request.fields.filter((field) => {
      if (this.#proven.has(field.id) || isText(field.type)) return false;
      const start = field.address - request.address;
      const zero = wire.slice(start, start + field.count).every((word) => Number(word) === 0);
      // A read that begins at the field and holds nothing else would have been refused.
      const alone = field.address === request.address && field.count === request.count;
      if (!zero || alone) this.#proven.add(field.id);
      return zero && !alone;
    });
  }

  /** A read of the field alone was answered. */
  prove(field: Field): void {
    this.#proven.add(field.id);
  }

  /** As few requests as the profile allows, with those that are known to be met with silence kept apart. */
  #plan(silent: readonly Block[]): void {
    const apart = silent.flatMap(({ request }) => request.fields);
    const gaps = silent.map(({ request: { address, count } }): [number, number] => [
      address,
      address + count - 1,
    ]);
    const { fields, limits } = this.#profile;
    const plan = planRequests({
      fields: fields.filter((field) => !apart.includes(field)),
      limits: { ...limits, illegal: [...limits.illegal, ...gaps] },
    });
    this.#dividedAtMs = undefined;
    this.#blocks = [...plan.map((request) => ({ request, silences: 0 })), ...silent];
  }

  #isHole({ hole }: Block): boolean {
    return hole !== undefined && this.#clock.monoMs() < hole.untilMs;
  }

  #replace(block: Block, parts: readonly Block[]): void {
    this.#blocks = this.#blocks.flatMap((other) => (other === block ? parts : [other]));
  }
}
