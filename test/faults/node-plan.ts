/** What a played node's program is told on its command line. */
export interface NodePlan {
  nodes: { id: string; spool: string }[];
  /** Where the program reaches the hub. */
  url: string;
  pointsEach: number;
  /** Of each node. */
  rowsPerSecond: number;
  /** A door event after so many readings of a node; 0: no door. */
  doorEvery: number;
  quotaBytes: number;
  /** Time of every point's reading 0; reading n is n × `stepMs` later. */
  baseMs: number;
}

/** What the program is told while it runs. */
export interface NodeOrder {
  hot?: number;
  /** Spools nothing more; what is spooled is still sent. */
  finish?: boolean;
}

export const HOT = 30;
export const COOL = 20;

export const stepMs = ({ pointsEach, rowsPerSecond }: NodePlan) =>
  (1_000 * pointsEach) / rowsPerSecond;
export const pointOf = (node: string, n: number) => `${node}.p${n}`;
export const hotPointOf = (node: string) => `${node}.hot`;
export const doorOf = (node: string) => `door-${node}`;
