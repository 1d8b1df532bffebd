/**
 * Turns the table's elementwise rows into the list of kernels to generate: one for the op
 * itself, one more where integers compute differently, and one for each derivative that is
 * worth a pass of its own. Opcodes are numbered here, in the order of the table.
 */
import type { ElementwiseRow, OpRow, StructuredRow } from '../../src/ops/formula.ts';
import { pascal, variables, verbs } from './formula.ts';

export type KernelClass = 'FLOAT' | 'NUMBER' | 'INTEGER';

/** A generated elementwise kernel. */
export interface ElementwiseKernel {
  /** camelCase name of the opcode it implements. */
  op: string;
  functor: string;
  class: KernelClass;
  operands: readonly string[];
  params: readonly string[];
  formula: string;
  test: boolean;
}

/** How an op's cotangent for one input is computed. */
export interface Derivative {
  input: string;
  formula: string;
  /** Of x, y, z, r, g those that the formula reads, in that order. */
  uses: readonly string[];
  /** The opcode that computes it in one pass; absent where a single verb does. */
  fused?: string;
}

const INPUTS = ['x', 'y', 'z'];
/** Elementwise records take at most this many inputs. */
const MAX_INPUTS = 4;

export function derivatives(row: ElementwiseRow): Derivative[] {
  if (!row.vjp || row.vjp === 'zero') return [];
  return row.vjp.map((formula, i) => {
    const bound = variables(formula);
    const uses = [...INPUTS.slice(0, row.arity), 'r', 'g'].filter((name) => bound.has(name));
    const input = INPUTS[i] as string;
    const fused = verbs(formula).length > 1 && uses.length <= MAX_INPUTS && uses.length > 0;
    return { input, formula, uses, ...(fused ? { fused: `${row.name}Vjp${input.toUpperCase()}` } : {}) };
  });
}

/** All kernels that come from formulas. */
export function elementwiseKernels(rows: readonly OpRow[]): ElementwiseKernel[] {
  return rows.flatMap((row) => {
    if (row.kind !== 'elementwise') return [];
    const params = Object.keys(row.params ?? {});
    const operands = INPUTS.slice(0, row.arity);
    const base = { op: row.name, functor: pascal(row.name), operands, params, test: row.test === true };
    const own: ElementwiseKernel[] =
      row.dtypes === 'float'
        ? [{ ...base, class: 'FLOAT', formula: row.f }]
        : row.int === undefined
          ? [{ ...base, class: 'NUMBER', formula: row.f }]
          : [
              { ...base, class: 'FLOAT', formula: row.f },
              { ...base, functor: `${base.functor}Int`, class: 'INTEGER', formula: row.int },
            ];
    const fused = derivatives(row).flatMap((d): ElementwiseKernel[] =>
      d.fused
        ? [
            {
              op: d.fused,
              functor: pascal(d.fused),
              class: 'FLOAT',
              operands: d.uses,
              params,
              formula: d.formula,
              test: false,
            },
          ]
        : [],
    );
    return [...own, ...fused];
  });
}

/** The kernels that a structured row brings. */
export const kernelNames = ({ kernels = [] }: StructuredRow): string[] =>
  kernels.map((kernel) => (typeof kernel === 'string' ? kernel : kernel.name));

/** Every opcode, in order. */
export function opcodes(rows: readonly OpRow[]): string[] {
  const names = rows.flatMap((row) =>
    row.kind === 'elementwise'
      ? [row.name, ...derivatives(row).flatMap((d) => (d.fused ? [d.fused] : []))]
      : kernelNames(row),
  );
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) throw new Error(`two kernels are called '${twice}'`);
  return names;
}

/** Roles of the operands of kernels that do more than write the first of them, by name. */
export function roles(rows: readonly OpRow[]): [name: string, roles: string][] {
  return rows.flatMap((row) =>
    row.kind === 'elementwise'
      ? []
      : (row.kernels ?? []).flatMap((kernel): [string, string][] =>
          typeof kernel === 'string' ? [] : [[kernel.name, kernel.roles]],
        ),
  );
}

/** How hand-written kernels take the examples of a `vmap`, by name, where there is a rule. */
export function laneRules(rows: readonly OpRow[]): [name: string, rule: string][] {
  return rows.flatMap((row) => {
    const lanes = row.kind === 'structured' ? row.lanes : undefined;
    return row.kind === 'elementwise' || lanes === undefined
      ? []
      : kernelNames(row).map((name): [string, string] => [name, lanes]);
  });
}

/** Verbs in the formula of each elementwise kernel. */
export function operations(kernels: readonly ElementwiseKernel[]): [name: string, count: number][] {
  return [...new Map(kernels.map(({ op, formula }) => [op, Math.max(1, verbs(formula).length)]))];
}
