import type { WatchMessage } from '../../shared/api.ts';
import type { Json } from '../../shared/canonical.ts';
import type { Query } from '../api/query.ts';
import type { ApiContext } from '../api/route.ts';
import type { Role } from '../identity/principal.ts';
import type { ask } from './ask.ts';
import type { FleetViews } from './fleet-views.ts';
import type { Form } from './forms.ts';
import type { Html } from './html.ts';
import type { PageSession } from './sessions.ts';

/** The entries of the navigation. */
export type Section =
  | 'overview'
  | 'nodes'
  | 'trust'
  | 'images'
  | 'checks'
  | 'drift'
  | 'simulate'
  | 'coverage';
/** `simulation`: the page says itself whether there is more to come. */
export type Topic = WatchMessage['topic'] | 'simulation';

/** What a page is made from. */
export interface PageRequest {
  /** The part of the path under the collection, decoded; empty for the collection itself. */
  readonly name: string;
  /** Parameters of `Page.query`; others were refused. */
  readonly query: Query;
  /** Path and query as they were asked for. */
  readonly url: string;
  readonly session: PageSession;
  readonly context: ApiContext;
  readonly views: FleetViews;
  readonly nowMs: number;
  /** Asks the API as the person who looks at the page. */
  ask<Operation extends Parameters<typeof ask>[0]>(
    operation: Operation,
    question?: Parameters<typeof ask>[1],
  ): ReturnType<typeof ask<Operation>>;
}

export interface View {
  /** Of the document, and the heading of the page. */
  readonly title: string;
  readonly main: Html;
  /** A chart is on it. */
  readonly hasChart?: boolean;
  /** Without a script it is loaded again by itself. */
  readonly isUnderWay?: boolean;
}

/** One page as data: where it is, what it understands, how it is made. */
export interface Page {
  /** As of a route of the API. */
  readonly path: string;
  readonly section: Section;
  /** Names of query parameters; others are refused. */
  readonly query: readonly string[];
  /** Changes of these make the page another one; without any it stays as it is. */
  readonly topics: readonly Topic[];
  render(request: PageRequest): Promise<View>;
}

export interface ActionRequest extends Omit<PageRequest, 'query'> {
  /** Adds to what the audit log says of it. */
  note(detail: Readonly<Record<string, Json>>): void;
}

/** What a form of a page does; the answer is where to go then. */
export interface Action {
  readonly path: string;
  readonly role: Role;
  run(request: ActionRequest, form: Form): Promise<string>;
}
