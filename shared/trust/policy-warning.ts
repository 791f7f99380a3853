/** Something of a valid policy that is most likely not what its author wants. */
export interface PolicyWarning {
  readonly path: string;
  readonly reason:
    | 'accepts-anything'
    | 'accepts-under-signed'
    | 'unknown-transport'
    | 'never-matches'
    | 'never-satisfied'
    | 'unrelated-keys'
    | 'no-effect'
    | 'remap-without-effect';
  readonly message: string;
}
