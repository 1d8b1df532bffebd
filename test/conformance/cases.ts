/** Tells the kinds of case files apart and runs them sample by sample; one that fails does not stop the rest. */
import { CotangentError, scope } from 'cotangent';
import { Mismatch, type ModuleFile, type OpFile, type Precision } from './format.ts';
import { runModuleSample } from './modules.ts';
import { runOpSample } from './ops.ts';
import { type OptimizerFile, runOptimizer, runScheduler, type SchedulerRun } from './training.ts';

/** How a file fared. */
export interface FileResult {
  name: string;
  samples: number;
  passed: number;
  /** The first sample that failed, and why. */
  difference: string | null;
}

/** One run per sample. */
function runs(content: unknown, precision: Precision): (() => void)[] {
  if (Array.isArray(content)) return (content as SchedulerRun[]).map((run) => () => runScheduler(run));
  const file = content as Partial<OpFile & ModuleFile & OptimizerFile>;
  if (file.runs !== undefined) return file.runs.map((run) => () => runOptimizer(run, file as OptimizerFile));
  const { module, op } = file;
  if (module !== undefined)
    return (file as ModuleFile).samples.map((sample) => () => runModuleSample(module, sample, precision));
  if (op !== undefined) return (file as OpFile).samples.map((sample) => () => runOpSample(op, sample, precision));
  throw new Mismatch('not a case file: it names neither an op nor a module nor runs');
}

/** What went wrong, with the class of an error that is not ours. */
const reason = (error: unknown): string => {
  if (error instanceof CotangentError || error instanceof Mismatch) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
};

/** Runs all samples of a file; one that cannot be read counts as a sample that fails. */
export function runFile(name: string, read: () => unknown, precision: Precision): FileResult {
  let list: (() => void)[];
  try {
    list = runs(read(), precision);
  } catch (error) {
    return { name, samples: 1, passed: 0, difference: reason(error) };
  }
  let passed = 0;
  let difference: string | null = null;
  for (const [i, run] of list.entries()) {
    try {
      scope(run);
      passed++;
    } catch (error) {
      difference ??= `sample ${i}: ${reason(error)}`;
    }
  }
  return { name, samples: list.length, passed, difference };
}
