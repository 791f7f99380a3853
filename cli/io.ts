/** Where text goes. */
export interface Sink {
  write(text: string): void;
  /** Resolves when so much has been taken that more may be written: what is long must not pile up here. */
  drained(): Promise<void>;
  /** What is no text: an archive. */
  writeBytes(bytes: Uint8Array): void;
  readonly isTerminal: boolean;
  /** Width and height of the terminal; absent when it is none. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** Everything a command may touch of the process it runs in; tests hand in their own. */
export interface Io {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Wall time in milliseconds since 1970 (UTC). */
  nowMs(): number;
  /** Standard input to its end; more than `limitBytes` when it is longer than that. */
  readStdin(limitBytes: number): Promise<Buffer>;
  /** Aborted when the person interrupts. */
  readonly signal: AbortSignal;
  /** Aborted when nobody reads stdout any more: what goes on for ever ends then. */
  readonly unread: AbortSignal;
  /** `-v`: say what is asked and what came back, on stderr. */
  readonly verbose: boolean;
}
