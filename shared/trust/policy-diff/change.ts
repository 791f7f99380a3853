/** What a change means for the images of a scope. */
export interface PolicyChange {
  /**
   * `weakened`: an image that was refused may be accepted, or nobody can say that none is. `strengthened`: the other
   * way round, and surely no image more is accepted. `neutral`: no verdict can change.
   */
  readonly effect: 'weakened' | 'strengthened' | 'neutral';
  readonly part: 'policy' | 'registries.d';
  /** Absent for the policy's default. */
  readonly transport?: string;
  /** "" for what a transport says of its other images; absent for a default. */
  readonly scope?: string;
  /** One sentence for people. */
  readonly reason: string;
}
