import type { SimulationItem } from '../../../shared/api-simulation.ts';
import { mayAct } from '../../identity/principal.ts';
import { CANDIDATE_KINDS, candidateOf } from '../candidate-form.ts';
import { type Html, html } from '../html.ts';
import { formToken } from '../layout.ts';
import { time } from '../links.ts';
import type { Action, Page, PageRequest } from '../page.ts';
import { noneFound, notAllowed, table } from '../table.ts';
import { digest, mark } from '../words.ts';

export const simulate: Page = {
  path: '/simulate',
  section: 'simulate',
  query: [],
  topics: [],
  async render(request) {
    const { ask, session, nowMs } = request;
    const { items } = await ask('GET /v1/simulations');
    return {
      title: 'Simulate',
      main: html`<p class="lead">What would this policy refuse? Every node judges the images it holds by it, with the signatures
it has. Nothing on any node changes.</p>
${mayAct(session.person.role, 'operator') ? form(request) : notAllowed('operator')}
<section><h2>Simulations so far</h2>${table<SimulationItem>({
        caption: 'Simulations, newest first; a restart of the aggregator forgets them',
        columns: [
          {
            header: 'Policy',
            cell: ({ id, digest: policy }) => html`<a href="/simulate/${id}">${digest(policy)}</a>`,
          },
          {
            header: 'State',
            cell: ({ state }) =>
              state === 'done' ? mark('good', 'done') : mark('unknown', 'running'),
          },
          { header: 'Pool', cell: ({ pool }) => pool ?? 'all' },
          { header: 'Nodes', isNumber: true, cell: ({ progress }) => progress.nodes },
          { header: 'By', cell: ({ by }) => by },
          {
            header: 'Begun',
            cell: ({ startedAt }) => time(startedAt, nowMs),
            sort: ({ startedAt }) => startedAt,
          },
        ],
        rows: items,
        empty: noneFound('Nobody has simulated a policy since the aggregator started.'),
      })}</section>`,
    };
  },
};

/** Begins a simulation. */
export const startSimulation: Action = {
  path: '/simulate',
  role: 'operator',
  async run({ ask, note }, form) {
    const { candidate } = candidateOf(form);
    const pool = form.fields.get('pool') ?? '';
    const body = {
      candidate,
      strict: form.fields.has('strict'),
      onlyRunning: form.fields.has('onlyRunning'),
      ...(pool === '' ? {} : { pool }),
    };
    const { simulation } = await ask('POST /v1/simulations', { body, note });
    return `/simulate/${simulation.id}`;
  },
};

function form({ session, views }: PageRequest): Html {
  const kinds = [...CANDIDATE_KINDS].map(
    ([kind, word]) => html`<option value="${kind}">${word}</option>`,
  );
  const pools = views.overview().pools.map(({ pool }) => html`<option>${pool}</option>`);
  return html`<form class="candidate" method="post" action="/simulate" enctype="multipart/form-data">${formToken(session)}
<label>What it is <select name="kind">${kinds}</select></label>
<label>File <input type="file" name="file"></label>
<label>Or its text <textarea name="text" rows="6" spellcheck="false"></textarea></label>
<label>Files of registries.d (of a policy.json; without any, nodes keep theirs) <input type="file" name="registriesD" multiple></label>
<label>Pool <select name="pool"><option value="">all</option>${pools}</select></label>
<label><input type="checkbox" name="onlyRunning"> Only images in use</label>
<label><input type="checkbox" name="strict"> What is unknown counts as refused</label>
<button>Simulate</button></form>`;
}
