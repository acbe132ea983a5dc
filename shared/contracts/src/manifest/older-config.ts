import { configFieldTypes } from '@verifywise/plugin-types';
import { pointer, type Warn } from './issue.ts';
import { isComment, isObject, objectFrom, type JsonObject } from './json-object.ts';
import { patternProblem } from './safe-pattern.ts';

const everyField = ['type', 'required', 'default', 'description', 'label', 'placeholder'];

/** What each type of setting understands beside that (S:7.2). */
const fieldParts: Record<string, string[]> = {
  string: ['secret', 'enum', 'enumLabels', 'pattern', 'minLength', 'maxLength'],
  number: ['min', 'max'],
  boolean: [],
  array: ['items'],
  object: ['properties'],
};

/** The config schema with `select` as a string with an enum, notes dropped, and unknown parts left out with a warning. */
export function rewriteConfig(config: JsonObject, path: string, warn: Warn): JsonObject {
  const fields = Object.entries(config).filter(([key]) => !isComment(key));
  return objectFrom(fields.map(([key, field]) => [key, rewriteField(field, pointer(path, key), warn)]));
}

// Recursion is safe here: a manifest nested more than 32 levels deep never comes this far.
function rewriteField(written: unknown, path: string, warn: Warn): unknown {
  if (!isObject(written)) return written;
  const field = written.type === 'select' ? stringWithEnum(written) : written;
  const type = configFieldTypes.find((name) => name === field.type);
  if (type === undefined) return field;

  const parts = new Set([...everyField, ...(fieldParts[type] ?? [])]);
  const kept = new Map<string, unknown>();
  for (const [part, value] of Object.entries(field)) {
    if (isComment(part)) continue;
    if (!parts.has(part))
      warn(pointer(path, part), `A setting of type ${type} has no "${part}"; it is left out`, 'Remove it');
    else if (isLabel(part) && typeof value !== 'string')
      warn(pointer(path, part), `"${part}" is no text and is left out`, 'Write a text');
    else if (part === 'enumLabels' && !isLabelOfEach(field.enum, value))
      warn(pointer(path, part), '"enumLabels" has not one text for each choice and is left out', 'Write one for each');
    else if (part === 'pattern' && isUnsupported(value))
      warn(
        pointer(path, part),
        'The pattern cannot be checked here and is left out: values of this setting are taken as they are',
        'Use a regular expression without look-around and back references that counts to a few hundred at most',
      );
    else kept.set(part, rewritePart(part, value, pointer(path, part), warn));
  }
  return objectFrom(kept);
}

/** A pattern that is none at all is the schema's to refuse. */
function isUnsupported(pattern: unknown): boolean {
  return typeof pattern === 'string' && patternProblem(pattern)?.kind === 'unsupported';
}

function isLabelOfEach(choices: unknown, labels: unknown): boolean {
  if (!Array.isArray(choices) || !Array.isArray(labels)) return false;
  return labels.length === choices.length && labels.every((label) => typeof label === 'string');
}

function isLabel(part: string): boolean {
  return part === 'label' || part === 'placeholder';
}

function rewritePart(part: string, value: unknown, path: string, warn: Warn): unknown {
  if (part === 'items') return rewriteField(value, path, warn);
  if (part === 'properties' && isObject(value)) return rewriteConfig(value, path, warn);
  return value;
}

/** `{type: 'select', options: ['a', {value: 'b', label: 'B'}]}` as `{type: 'string', enum: ['a', 'b'], enumLabels: ['a', 'B']}`. */
function stringWithEnum(select: JsonObject): JsonObject {
  const { options, ...rest } = select;
  if (!Array.isArray(options)) return { ...rest, type: 'string' };
  const choices = (options as unknown[]).map(optionValue);
  const labels = (options as unknown[]).map(optionLabel);
  if (labels.every((label) => label === undefined)) return { ...rest, type: 'string', enum: choices };
  const enumLabels = labels.map((label, index) => label ?? choices[index]);
  return { ...rest, type: 'string', enum: choices, enumLabels };
}

function optionValue(option: unknown): unknown {
  const value = isObject(option) ? option.value : option;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}

function optionLabel(option: unknown): string | undefined {
  return isObject(option) && typeof option.label === 'string' ? option.label : undefined;
}
