import type { Figure } from './figure.ts';

const HEADINGS = ['figure', 'value', 'limit', 'ratio', 'aim', ''];
const SIGNIFICANT_DIGITS = 3;

/** Every figure in a line: what was measured, the bare reference, and the aim with whether it is met. */
export function figuresTable(figures: readonly Figure[]): string {
  const rows = [HEADINGS, ...figures.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => padded(cell, column, widths))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cells({ figure, unit, value, limit, ratio, aim, met }: Figure): string[] {
  return [
    figure,
    `${shown(value)} ${unit}`.trimEnd(),
    limit === null ? '' : `${shown(limit)} ${unit}`.trimEnd(),
    ratio === null ? '' : `${ratio.toFixed(2)} ×`,
    aim ?? '',
    met === null ? '' : met ? 'met' : 'MISSED',
  ];
}

function padded(cell: string, column: number, widths: number[]): string {
  const width = widths[column] ?? 0;
  const isNumber = column >= 1 && column <= 3;
  return isNumber ? cell.padStart(width) : cell.padEnd(width);
}

/** Three significant digits, without an exponent, thousands apart. */
function shown(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: SIGNIFICANT_DIGITS }).replaceAll(',', ' ');
}
