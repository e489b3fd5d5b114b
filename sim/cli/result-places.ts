/** Where the result of a command goes: as text or JSON to standard output, as JSON and as a page to files. */

import { AnteroomError } from '../../engine/errors.ts';
import { checkWritable } from '../../engine/host/file-access.ts';
import { printableLines } from '../../engine/printable.ts';

/** As commander hands them over. */
export interface ResultFlags {
  /** A file, or `-` for standard output instead of the text. */
  readonly json?: string;
  /** The file of the HTML page. */
  readonly report?: string;
  readonly quiet?: boolean;
}

/** What is made only where it is asked for. */
export interface ResultForms {
  readonly json: unknown;
  readonly text: () => string | Promise<string>;
  readonly page?: () => string | Promise<string>;
}

/**
 * Looks before the work whether its result can be written, so that none is lost to a misspelt path. Writes nothing.
 * @throws AnteroomError 'bad-usage', 'not-found' or 'io'.
 */
export async function checkResultPlaces({ json, report }: ResultFlags): Promise<void> {
  if (report === '-') throw new AnteroomError('bad-usage', '--report: expected a file for the page; - is for --json');
  const files = [json, report].filter((path): path is string => path !== undefined && path !== '-');
  if (new Set(files).size < files.length)
    throw new AnteroomError('bad-usage', `two results cannot be written to one file, ${files[0]}`);
  for (const path of files) await checkWritable(path);
}

/**
 * Writes a result. Files come first: whoever reads standard output may go away, or its disk be full, and a file that cannot be written after
 * all keeps nothing else from being written.
 * @throws the first fault, when all is done.
 */
export async function writeResult(flags: ResultFlags, forms: ResultForms): Promise<void> {
  const { json, report, quiet = false } = flags;
  const faults: unknown[] = [];
  const written = async (path: string, content: () => string | Promise<string>): Promise<boolean> => {
    try {
      const { writeTextFile } = await import('../../engine/host/text-file.ts');
      await writeTextFile(path, await content());
      return true;
    } catch (error) {
      faults.push(error);
      return false;
    }
  };
  const jsonText = (): string => `${JSON.stringify(forms.json, null, 2)}\n`;
  if (json !== undefined && json !== '-') await written(json, jsonText);
  const { page } = forms;
  const hasPage = report !== undefined && page !== undefined && (await written(report, page));
  if (json === '-') process.stdout.write(jsonText());
  else if (!quiet) process.stdout.write(printableLines(await forms.text()));
  if (hasPage && !quiet) process.stderr.write(`report: ${report}\n`);
  if (faults.length > 0) throw faults[0];
}

/** One line each to standard error, unless it is to be quiet. */
export function writeWarnings(warnings: readonly string[], { quiet }: ResultFlags): void {
  if (quiet !== true) for (const warning of warnings) process.stderr.write(`${printableLines(warning)}\n`);
}
