/** Changes records, in a turn. */
export interface RecordWriter {
  keep(key: string, text: string): Promise<void>;
  remove(key: string): Promise<void>;
}

/** What became of records since one asked last, by key: the text, or null for one that is gone. All at first. */
export type RecordChanges = ReadonlyMap<string, string | null>;

/** Small texts that outlive this program: in files, or in the database for all the aggregators on it. */
export interface Records {
  changes(): Promise<RecordChanges>;
  /**
   * Runs changes one after the other, and none beside one of another aggregator; `learn` is told first what others
   * changed. What was written holds when it resolves, and none of it when it rejects.
   */
  inTurn<T>(
    learn: (changes: RecordChanges) => void,
    change: (writer: RecordWriter) => Promise<T>,
  ): Promise<T>;
  /** Whether others write here too, any moment. */
  readonly isShared: boolean;
  /** Where a record lies, for messages. */
  place(key: string): string;
}

/** Kinds of records that aggregators share. */
export const RECORD_KINDS = [
  'token',
  'node',
  'denied',
  'authority',
  'alerts',
  'simulation',
] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];
