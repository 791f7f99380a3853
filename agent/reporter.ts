import { join } from 'node:path';
import type { Clock } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { type Items, SECTIONS, type SectionName } from '../shared/report.ts';
import { FileChanges } from './changes/file-changes.ts';
import type { FileChange } from './changes/file-event.ts';
import type { Check, CheckContext } from './check.ts';
import type { Conditions } from './conditions.ts';
import { type Baseline, baselineFile, loadBaseline } from './desired/baseline.ts';
import type { Host } from './host.ts';
import { type Remembered, recall, remember } from './memory.ts';
import type { NodeState } from './node-state.ts';
import { DEFAULT_VALUES } from './profile-values.ts';
import { changedKeys, checkItems, eventsOf } from './report.ts';
import { type CheckResult, runCheck } from './runner.ts';
import type { SectionSource } from './section-sources.ts';
import type { EventDraft } from './spool.ts';

export interface ReporterOptions {
  readonly host: Host;
  readonly clock: Clock;
  readonly checks: readonly Check[];
  readonly sources: readonly SectionSource[];
  readonly state: NodeState;
  readonly conditions: Conditions;
  readonly stateDir: string;
  /** Takes an event; resolves when it is kept. */
  readonly emit: (event: EventDraft) => Promise<void>;
  readonly log: Logger;
  /** How results count, and what the agent knows of itself; without it as the checks say them. */
  readonly judgement?: Pick<CheckContext, 'profile' | 'exceptions' | 'self'>;
}

/** Runs checks and turns what they say into the node's state and, where that changed, into events. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #results = new Map<string, CheckResult>();
  /** What the last life of the agent reported, until this one has looked for itself. */
  readonly #remembered: Remembered | undefined;
  readonly #reported = new Set<SectionName>();
  readonly #changes: FileChanges;
  #saving: Promise<void> = Promise.resolve();
  #isSavePending = false;

  private constructor(
    options: ReporterOptions,
    remembered: Remembered | undefined,
    changes: FileChanges,
  ) {
    this.#options = options;
    this.#remembered = remembered;
    this.#changes = changes;
  }

  static async open(options: ReporterOptions): Promise<Reporter> {
    const changes = await FileChanges.open(options.stateDir);
    return new Reporter(options, await recall(memoryFile(options)), changes);
  }

  /** What each check said last. */
  get results(): readonly CheckResult[] {
    return [...this.#results.values()];
  }

  /** What is to be scheduled: checks and sections that go by no check, with what they look at. */
  get jobs(): readonly Pick<Check, 'id' | 'watches' | 'watchesIn' | 'polls'>[] {
    const { checks, sources } = this.#options;
    const sections = sources.flatMap(({ section, watches, watchesIn }) =>
      watches === undefined
        ? []
        : [{ id: jobOf(section), watches, ...(watchesIn === undefined ? {} : { watchesIn }) }],
    );
    return [...checks, ...sections];
  }

  /** Does one job. Never rejects: what fails is logged and looked at again at its interval. */
  async look(id: string, signal: AbortSignal): Promise<void> {
    const { checks, sources, log, host, clock, judgement } = this.#options;
    try {
      const baseline = await this.#baseline();
      await judgement?.exceptions?.read();
      const values = judgement?.profile?.values ?? DEFAULT_VALUES;
      const context = { host, clock, baseline, values, ...judgement };
      const check = checks.find((one) => one.id === id);
      if (check !== undefined && this.#isDue(check)) await this.#check(check, context, signal);
      for (const source of sources) {
        if (source.after !== id && jobOf(source.section) !== id) continue;
        const items = await source.collect(context, signal);
        const { section } = source;
        const isNews = this.#reported.has(section) || this.#recalls(section);
        const files =
          section === 'files' ? await this.#fileChanges(context, items, isNews) : undefined;
        await this.#put(section, items, isNews, files);
      }
    } catch (error) {
      if (!signal.aborted) log.error({ err: error, job: id }, 'looking at the node failed');
    }
  }

  /**
   * What is about the others waits at the start until they have spoken, so that a restart is no news of it; each of
   * them that has asks for it again (`ExceptionsOptions.onUse`).
   */
  #isDue({ isLast }: Check): boolean {
    const { checks, judgement } = this.#options;
    if (!isLast || judgement?.exceptions === undefined) return true;
    return checks.every((other) => other.isLast || this.#results.has(other.id));
  }

  async #check(check: Check, context: CheckContext, signal: AbortSignal): Promise<void> {
    const onCrash = (checkId: string, err: unknown): void => {
      this.#options.log.error({ checkId, err }, 'check failed');
    };
    const result = await runCheck(check, context, { signal, onCrash });
    const isNews = this.#results.has(check.id) || this.#recalls('checks');
    this.#results.set(check.id, result);
    await this.#put('checks', this.#checkItems(), isNews);
  }

  async #fileChanges(
    context: CheckContext,
    items: Items,
    isNews: boolean,
  ): Promise<ReadonlyMap<string, FileChange>> {
    const before = this.#known('files');
    const paths = isNews ? changedKeys(before, items) : [];
    const { files, events } = await this.#changes.look(context, before, items, paths);
    for (const event of events) await this.#options.emit(event);
    return files;
  }

  /** Resolves when everything reported so far is remembered. */
  async saved(): Promise<void> {
    await this.#saving;
  }

  /** A check that has not run yet in this life stands as it was reported last. */
  #checkItems(): Items {
    const items = new Map(checkItems(this.#results.values()));
    const before = this.#remembered?.get('checks') ?? new Map();
    const waiting = new Set(
      this.#options.checks.map(({ id }) => id).filter((id) => !this.#results.has(id)),
    );
    for (const [key, item] of before) {
      if (waiting.has(checkIdOf(item))) items.set(key, item);
    }
    return items;
  }

  /** The first report of a new agent tells what is, not what changed: nothing is remembered to compare it with. */
  async #put(
    name: SectionName,
    items: Items,
    isNews: boolean,
    files?: ReadonlyMap<string, FileChange>,
  ): Promise<void> {
    const { state, emit } = this.#options;
    const before = this.#known(name);
    const isChanged = state.replace(name, items);
    this.#reported.add(name);
    for (const event of isNews ? eventsOf(name, before, items, files) : []) await emit(event);
    if (isChanged || this.#changes.isUnsaved) this.#save();
  }

  /** As reported in this life or, until then, in the last. */
  #known(name: SectionName): Items {
    const remembered = this.#reported.has(name) ? undefined : this.#remembered?.get(name);
    return remembered ?? this.#options.state.section(name).items;
  }

  async #baseline(): Promise<Baseline | undefined> {
    const { stateDir, conditions } = this.#options;
    try {
      const baseline = await loadBaseline(baselineFile(stateDir));
      conditions.set('BaselineUnusable', undefined);
      return baseline;
    } catch (error) {
      conditions.set('BaselineUnusable', messageOf(error));
      return undefined;
    }
  }

  /** What changes while it is written is written after it, once. */
  #save(): void {
    if (this.#isSavePending) return;
    this.#isSavePending = true;
    this.#saving = this.#saving.then(async () => {
      this.#isSavePending = false;
      const { conditions } = this.#options;
      const names = SECTIONS.filter((name) => this.#isWhole(name));
      const sections = new Map(names.map((name) => [name, this.#known(name)]));
      try {
        await remember(memoryFile(this.#options), sections);
        await this.#changes.save();
        conditions.set('MemoryUnwritable', undefined);
      } catch (error) {
        conditions.set('MemoryUnwritable', messageOf(error));
      }
    });
  }

  /** Half of a first report would make news of the other half in the next life. */
  #isWhole(name: SectionName): boolean {
    if (this.#recalls(name)) return true;
    if (name !== 'checks') return this.#reported.has(name);
    return this.#results.size === this.#options.checks.length;
  }

  #recalls(name: SectionName): boolean {
    return this.#remembered?.has(name) === true;
  }
}

function memoryFile({ stateDir }: Pick<ReporterOptions, 'stateDir'>): string {
  return join(stateDir, 'last-report.json');
}

function jobOf(section: SectionName): string {
  return `section ${section}`;
}

function checkIdOf(item: unknown): string {
  const isObject = typeof item === 'object' && item !== null && 'checkId' in item;
  return isObject ? String(item.checkId) : '';
}
