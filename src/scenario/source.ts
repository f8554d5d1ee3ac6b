import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { formatPlace, type Place, suggestion, UserError } from '../kernel/index.ts';
import type { Problem } from './messages.ts';

type Path = readonly (string | number)[];

/** Problems that one message names at most. */
const REPORTED_LIMIT = 11;

/** A scenario's YAML with the settings laid over it: its value, and where each part of it stands. */
export class Source {
  readonly file: string;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  readonly #settings: { readonly path: Path; readonly written: string }[] = [];

  /** @throws UserError when it is not YAML, or a setting does not fit it */
  constructor(text: string, file: string, settings: readonly string[]) {
    this.file = file;
    this.#lines = new LineCounter();
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    const fault = [...this.#document.errors, ...this.#document.warnings].sort((a, b) => a.pos[0] - b.pos[0])[0];
    if (fault !== undefined) {
      const key = fault.code === 'DUPLICATE_KEY' ? /^[^\s:]+/.exec(text.slice(fault.pos[0]))?.[0] : undefined;
      throw new UserError(
        key === undefined ? `not YAML: ${fault.message}` : `the key "${key}" is there twice`,
        this.#at(fault.pos[0]),
      );
    }
    const { contents } = this.#document;
    if (contents === null || (isScalar(contents) && contents.value === null)) {
      throw new UserError('the file is empty; a scenario begins with "inferlab: 1"', { file, line: 1 });
    }
    if (!isMap(contents)) {
      const got = isSeq(contents) ? 'a list' : 'a single value';
      throw new UserError(`got ${got}, expected a mapping that begins with "inferlab: 1"`, this.#at(contents.range[0]));
    }
    visit(this.#document, {
      Alias: (_key, alias) => {
        if (alias.resolve(this.#document) !== undefined) return;
        throw new UserError(`no anchor "&${alias.source}" above`, this.#at(alias.range![0]));
      },
    });
    for (const setting of settings) this.#set(setting);
  }

  /** The plain value. @throws UserError when aliases of aliases make too much of it */
  value(): unknown {
    try {
      return this.#document.toJS();
    } catch (error) {
      if (error instanceof ReferenceError) throw new UserError(`not YAML: ${error.message}`, { file: this.file });
      throw error;
    }
  }

  /** Where a value stands, or its key; for what is missing, the nearest thing around it. */
  place(path: Path, at: Problem['at'] = 'value'): Place {
    // An unknown key may have been made by a setting of something below it.
    const covers = (set: Path): boolean => at === 'key' || set.length <= path.length;
    const setting = this.#settings.findLast(
      ({ path: set }) =>
        covers(set) && set.every((step, index) => index >= path.length || String(step) === String(path[index])),
    );
    if (setting !== undefined) return { file: `--set ${setting.written}` };
    let node: Node = this.#document.contents!;
    let offset = node.range?.[0] ?? 0;
    for (const [index, step] of path.entries()) {
      const holder = this.#resolve(node);
      const pair = isMap(holder)
        ? holder.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
        : undefined;
      const found = isSeq(holder) ? holder.items[Number(step)] : pair?.value;
      const key = isNode(pair?.key) ? pair.key.range?.[0] : undefined;
      if (at === 'key' && index === path.length - 1 && key !== undefined) return this.#at(key);
      if (!isNode(found) || found.range == null) return this.#at(key ?? offset);
      offset = found.range[0];
      node = found;
    }
    return this.#at(offset);
  }

  /** One error for all: the first by position, the others as further lines. Returns if there are none. */
  report(problems: readonly Problem[]): void {
    const placed = problems
      .map(({ path, message, at }) => ({
        place: this.place(path, at),
        message: subject(path, at) + message,
      }))
      .sort((a, b) => (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0));
    const [first, ...others] = placed;
    if (first === undefined) return;
    const shown = others.slice(0, REPORTED_LIMIT - 1).map(({ place, message }) => `${formatPlace(place)}: ${message}`);
    const left = others.length - shown.length;
    if (left > 0) shown.push(`and ${left} more`);
    throw new UserError([first.message, ...shown].join('\n'), first.place);
  }

  /** Lays `path=value` over the document. A step into a list is an index, or the `name` of an element. */
  #set(written: string): void {
    const place = { file: `--set ${written}` };
    const equals = written.indexOf('=');
    if (equals <= 0) throw new UserError('expected path=value, such as seed=7', place);
    const value = parseDocument(written.slice(equals + 1), { prettyErrors: false });
    if (value.errors.length > 0) throw new UserError(`the value is not YAML: ${value.errors[0]!.message}`, place);
    const steps = written.slice(0, equals).split('.');
    const path: (string | number)[] = [];
    let holder: YAMLMap | YAMLSeq = this.#document.contents as YAMLMap;
    for (const [index, step] of steps.entries()) {
      const key = isSeq(holder) ? this.#element(holder.toJS(this.#document), step, path.join('.'), place) : step;
      path.push(key);
      if (index < steps.length - 1) holder = this.#descend(holder, key, path.join('.'), steps[index + 1]!, place);
      else holder.set(key, value.contents);
    }
    this.#settings.push({ path, written });
  }

  /** The mapping or list under a key: made when there is none, a copy of its own when it was an alias. */
  #descend(
    holder: YAMLMap | YAMLSeq,
    key: string | number,
    path: string,
    next: string,
    place: Place,
  ): YAMLMap | YAMLSeq {
    const written: unknown = holder.get(key, true);
    const child = this.#resolve(written);
    if (isCollection(child)) {
      if (child === written) return child as YAMLMap | YAMLSeq;
      const copy = child.clone() as YAMLMap | YAMLSeq;
      holder.set(key, copy);
      return copy;
    }
    if (isScalar(child) && child.value !== null)
      throw new UserError(`${path} is a single value and has no "${next}"`, place);
    const made = new YAMLMap();
    holder.set(key, made);
    return made;
  }

  #element(list: readonly unknown[], step: string, path: string, place: Place): number {
    const names = list.map((each) => String((each as { name?: unknown } | null)?.name ?? ''));
    const named = names.indexOf(step);
    const index = named >= 0 ? named : /^\d+$/.test(step) ? Number(step) : -1;
    if (index >= 0 && index < list.length) return index;
    const known = names.filter((each) => each !== '');
    const hint = known.length > 0 ? suggestion(step, known) : `; it has ${list.length} elements`;
    throw new UserError(`${path} has no element "${step}"${hint}`, place);
  }

  #resolve(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.#document) : node;
  }

  #at(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.file, line, column: col };
  }
}

/** What a message is about; one about a key names the key itself. */
function subject(path: Path, at: Problem['at']): string {
  const named = at === 'key' ? path.slice(0, -1) : path;
  return named.length === 0 ? '' : `${named.join('.')}: `;
}
