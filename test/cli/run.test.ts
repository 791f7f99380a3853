import t from 'tap';
import { COMMANDS } from '../../cli/commands/index.ts';
import { combineExits, EXIT, EXIT_MEANINGS, type ExitCode } from '../../cli/exit.ts';
import { COMMON_OPTIONS } from '../../cli/options.ts';
import { runCli } from './fake-io.ts';

const usage: readonly (readonly [words: string, what: RegExp, next: RegExp])[] = [
  ['chek', /unknown command 'chek'/, /did you mean 'check'\?/],
  ['polcy validate x', /unknown command 'polcy validate'/, /did you mean 'policy validate'\?/],
  ['policy vali x', /unknown command 'policy vali'/, /did you mean 'policy validate'\?/],
  ['frobnicate', /unknown command 'frobnicate'/, /nodeseal --help/],
  ['check --hostroot /', /unknown option '--hostroot'/, /did you mean --host-root\?/],
  ['check --fail-on bad', /argument 'bad' is invalid/, /nodeseal check --help/],
  ['check -o xml', /argument 'xml' is invalid/, /nodeseal check --help/],
  ['check surplus', /too many arguments/, /nodeseal check --help/],
  ['check --only selinx', /no check or rule is called 'selinx'/, /did you mean 'selinux'\?/],
  [
    'get findings --severity high',
    /unknown option '--severity'/,
    /--field-selector severity=VALUE/,
  ],
  ['describe node', /no node is named/, /^nodeseal describe node NAME$/],
  ['check --policies stig', /unknown option '--policies'/, /nodeseal check --help/],
  ['policy validate', /missing required argument 'FILE'/, /nodeseal policy validate --help/],
  ['policy resolve docker://x', /required option '--policy <file>'/, /--help/],
  ['explain nope.nope', /no check or rule is called 'nope.nope'/, /nodeseal explain/],
  ['get', /missing required argument 'TYPE'/, /nodeseal get --help/],
  ['-o json', /no command was given/, /nodeseal --help/],
  ['get nods', /there is no type 'nods'/, /did you mean 'nodes'\?/],
  ['get nodes --limit 0', /--limit 0 is no count/, /a whole number/],
  ['get nodes --since 1h', /--since says nothing of nodes/, /get events/],
  ['get nodes --sort-by nmae', /there is no field 'nmae'/, /did you mean 'name'\?/],
  ['get nodes --field-selector pol=x', /there is no field 'pol'/, /did you mean 'pool'\?/],
  ['get nodes --field-selector =', /is no condition/, /field=value/],
  ['get nodes -l colour=red', /there is no field 'colour'/, /known: name/],
  ['get checks -l pool=x', /--selector says nothing of checks/, /^/],
  ['get nodes --require-coverage 101%', /is no percentage/, /100%/],
  ['get nodes --timeout soon --server http://localhost', /--timeout soon/, /30s/],
  ['get nodes', /no aggregator is named/, /nodeseal login NAME/],
  ['get nodes --server ftp://x', /the server address 'ftp:\/\/x' is none/, /https:/],
  ['get nodes --server http://agg.example', /over plain HTTP/, /--plain-http/],
  ['get nodes --server https://u:p@agg', /more than host, port/, /--token-file/],
  ['get nodes --server http://localhost --context a', /exclude each other/, /^/],
  ['describe drift x', /describe shows nodes, .*, not drift/, /nodeseal get drift/],
  ['describe node', /no node is named/, /describe node NAME/],
  ['watch drift --server http://localhost', /changes of drift are not told/, /watch findings/],
  ['watch events --since 1h', /--since says nothing of what is yet to come/, /get events/],
  ['verify --sources stor', /'stor' is no source/, /did you mean 'store'\?/],
  ['verify --sources ,', /names no source/, /^/],
  ['verify --all quay.io/x', /exclude each other/, /^/],
  ['verify-signature --signature s', /expected either --manifest or --digest/, /--help/],
  ['verify-signature --signature s --digest x', /--digest x is no digest/, /sha256:/],
];
for (const [words, what, next] of usage) {
  t.test(`nodeseal ${words}`, async (t) => {
    const env = { NODESEAL_CONFIG: '/nowhere/config.yaml', LANG: 'C.UTF-8' };
    const { exit, stdout, stderr } = await runCli(words.split(' '), { env });
    t.equal(exit, EXIT.usage, stderr);
    t.equal(stdout, '', 'results alone go to stdout');
    const [first = ''] = stderr.split('\n');
    t.match(first, /^error: /);
    t.match(first, what);
    t.match(/ {2}next: (.*)/.exec(stderr)?.[1] ?? '', next);
  });
}

t.test('every command has help: a sentence, usage, flags, examples, exit codes', async (t) => {
  for (const { path, summary, load } of COMMANDS) {
    const name = path.join(' ');
    const command = await load();
    const { exit, stdout, stderr } = await runCli([...path, '--help']);
    t.equal(exit, EXIT.clean, name);
    t.equal(stderr, '');
    t.match(stdout, `Usage: nodeseal ${name}`);
    t.match(command.description, /^[A-Z].*[.:]/s, `${name}: a sentence`);
    t.match(stdout, command.description.split(/\s/, 3).join(' '));
    t.match(summary, /^[a-z].*[^.]$/, `${name}: some words for the list`);
    t.ok(command.examples.length > 0, `${name}: an example`);
    for (const { line, meaning } of command.examples) {
      t.ok(stdout.includes(`  $ ${line}\n      ${meaning}\n`), line);
      t.ok(line.includes('nodeseal '), line);
    }
    for (const { flags, description } of [...command.options, ...COMMON_OPTIONS]) {
      t.ok(stdout.includes(`  ${flags} `) || stdout.includes(`  ${flags}\n`), `${name} ${flags}`);
      t.not(description.trim(), '', `${name} ${flags}`);
    }
    for (const argument of command.arguments) {
      t.ok(stdout.includes(`  ${argument.name} `), `${name} ${argument.name}`);
      t.not(argument.description.trim(), '', `${name} ${argument.name}`);
    }
    t.match(stdout, '-h, --help');
    for (const [code, meaning] of EXIT_MEANINGS) t.match(stdout, ` ${code} ${meaning}`);
  }
  t.same(
    EXIT_MEANINGS.map(([code]) => code),
    Object.values(EXIT),
    'every exit code has a meaning',
  );
});

t.test('the help of all lists every command, and that of a group its own', async (t) => {
  const all = await runCli(['--help']);
  for (const { path } of COMMANDS) t.match(all.stdout, `  ${path.join(' ')}`);
  t.same(await runCli(['help']), all);
  t.same(await runCli([]), all);
  const group = await runCli(['policy', '--help']);
  t.equal(group.exit, EXIT.clean);
  t.match(group.stdout, 'policy resolve');
  t.notMatch(group.stdout, 'verify-signature');
  const bare = await runCli(['policy']);
  t.equal(bare.exit, EXIT.usage, 'a group is no command');
  t.equal(bare.stdout, '');
  t.match((await runCli(['help', 'policy', 'validate'])).stdout, 'Usage: nodeseal policy validate');
});

t.test('flags may stand before the verb', async (t) => {
  const before = await runCli(['-o', 'json', 'version']);
  t.equal(before.exit, EXIT.clean);
  t.same(JSON.parse(before.stdout).kind, 'Version');
  t.match((await runCli(['--version'])).stdout, /^nodeseal \d+\.\d+\.\d+ /);
});

t.test('quiet prints nothing but errors', async (t) => {
  const quiet = await runCli(['version', '-q']);
  t.same(quiet, { exit: EXIT.clean, stdout: '', stderr: '' });
});

t.test('a hostile word in a usage error does not reach the terminal', async (t) => {
  const { stderr } = await runCli(['\u001b]0;x\u0007']);
  t.equal(stderr.split('\n')[0], "error: unknown command '\\x1b]0;x\\x07'");
});

const combined: readonly (readonly [readonly ExitCode[], ExitCode])[] = [
  [[], 0],
  [[0, 0], 0],
  [[1, 0], 1],
  [[1, 6], 6],
  [[1, 6, 3], 3],
  [[1, 6, 3, 7], 7],
  [[7, 3, 4, 1], 4],
  [[0, 5], 5],
];
for (const [codes, expected] of combined) {
  t.equal(combineExits(codes), expected, `exit codes ${codes.join(', ')} together: ${expected}`);
}

t.test('an argument that is missing is told with what it may be', async (t) => {
  const { stderr } = await runCli(['get']);
  t.match(stderr, /\n {2}why: TYPE: nodes, findings, images, drift, /);
});

t.test('a folder that hardly is a node is said to be none', async (t) => {
  const folder = t.testdir({ empty: {}, 'with-file': { etc: '' }, node: { etc: {} } });
  for (const [name, isTold] of [
    ['empty', true],
    ['with-file', true],
    ['node', false],
  ] as const) {
    const words = ['verify', '--host-root', `${folder}/${name}`];
    const { stderr } = await runCli(words);
    t.equal(stderr.includes('has no folder etc: is it the root of a node?'), isTold, name);
  }
});
