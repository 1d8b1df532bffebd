/** Tells the kinds of case files apart and runs them sample by sample; one that fails does not stop the rest. */
import { CompileError, CotangentError, scope } from 'cotangent';
import { Mismatch, type ModuleFile, type OpFile, type Precision } from './format.ts';
import { runModuleSample } from './modules.ts';
import { type Execution, runOpSample } from './ops.ts';
import { type OptimizerFile, runOptimizer, runScheduler, type SchedulerRun } from './training.ts';

/** How a file fared. */
export interface FileResult {
  name: string;
  samples: number;
  passed: number;
  /** Samples that cannot be compiled, and say so. */
  refused: number;
  /** The first sample that failed, and why. */
  difference: string | null;
}

/** One run per sample. */
function runs(content: unknown, precision: Precision, execution: Execution): (() => void)[] {
  if (Array.isArray(content)) return (content as SchedulerRun[]).map((run) => () => runScheduler(run));
  const file = content as Partial<OpFile & ModuleFile & OptimizerFile>;
  if (file.runs !== undefined) return file.runs.map((run) => () => runOptimizer(run, file as OptimizerFile));
  const { module, op } = file;
  if (module !== undefined)
    return (file as ModuleFile).samples.map((sample) => () => runModuleSample(module, sample, precision, execution));
  if (op !== undefined)
    return (file as OpFile).samples.map((sample) => () => runOpSample(op, sample, precision, execution));
  throw new Mismatch('not a case file: it names neither an op nor a module nor runs');
}

/** What went wrong, with the class of an error that is not ours. */
const reason = (error: unknown): string => {
  if (error instanceof CotangentError || error instanceof Mismatch) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
};

/** Runs all samples of a file; one that cannot be read counts as a sample that fails. */
export function runFile(
  name: string,
  read: () => unknown,
  precision: Precision,
  execution: Execution = 'eager',
): FileResult {
  let list: (() => void)[];
  try {
    list = runs(read(), precision, execution);
  } catch (error) {
    return { name, samples: 1, passed: 0, refused: 0, difference: reason(error) };
  }
  let [passed, refused] = [0, 0];
  let difference: string | null = null;
  for (const [i, run] of list.entries()) {
    try {
      scope(run);
      passed++;
    } catch (error) {
      if (error instanceof CompileError) refused++;
      difference ??= `sample ${i}: ${reason(error)}`;
    }
  }
  return { name, samples: list.length, passed, refused, difference };
}
