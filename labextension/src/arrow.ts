/**
 * Pages of a table as Arrow, read cell by cell into what JSON would have said: numbers where a double holds them,
 * big integers as bigint, decimals, times and bytes as text with every digit.
 */

import { Type, tableFromIPC } from '@uwdata/flechette';
import type { DataType } from '@uwdata/flechette';
import type { Cell } from './tabledata';
import type { Column } from './wire';

/** Columns of cells, in the order of `columns`. */
export interface Cells {
  columns: Column[];
  cells: Cell[][];
}

const OPTIONS = {
  useBigInt: true,
  useBigIntTimestamp: true,
  useDecimalInt: true,
  useDate: false,
  useMap: false,
  useProxy: false
} as const;

/** What an Arrow IPC stream holds. Throws where the bytes are no such stream. */
export function decoded(bytes: ArrayBuffer | Uint8Array): Cells {
  const table = tableFromIPC(bytes, OPTIONS);
  const columns = table.schema.fields.map(field => described(field.name, field.type));
  const cells = table.schema.fields.map((field, at) => {
    const column = table.getChildAt(at);
    const read = reader(field.type);
    return Array.from({ length: table.numRows }, (_, row) => {
      const value: unknown = column.at(row);
      return value === null || value === undefined ? null : read(value);
    });
  });
  return { columns, cells };
}

type Read = (value: unknown) => Cell;

interface Loose {
  typeId: number;
  bitWidth?: number;
  signed?: boolean;
  precision?: number;
  scale?: number;
  unit?: number;
  timezone?: string | null;
  dictionary?: DataType;
  children?: { name: string; type: DataType }[];
}

function reader(type: DataType): Read {
  const loose = type as unknown as Loose;
  switch (loose.typeId) {
    case Type.Dictionary:
      return loose.dictionary ? reader(loose.dictionary) : plain;
    case Type.Decimal:
      return value => decimalText(BigInt(value as bigint | number), loose.scale ?? 0);
    case Type.Date:
      return value => dayText(BigInt(Math.round(Number(value) / 86_400_000)));
    case Type.Timestamp:
      return value =>
        timeText(BigInt(value as bigint | number), loose.unit ?? 2, loose.timezone ?? null);
    case Type.Time:
      return value => clockText(BigInt(value as bigint | number), loose.unit ?? 2, false);
    case Type.Duration:
      return value => spanText(BigInt(value as bigint | number), loose.unit ?? 2);
    case Type.List:
    case Type.LargeList:
    case Type.FixedSizeList: {
      const item = loose.children?.[0];
      const read = item ? reader(item.type) : plain;
      return value =>
        Array.from(value as ArrayLike<unknown>, part => (part == null ? null : read(part)));
    }
    case Type.Struct:
      return value => members(value as Fields, loose.children ?? []);
    default:
      return plain;
  }
}

interface Fields {
  [name: string]: unknown;
}

function members(value: Fields, children: { name: string; type: DataType }[]): Cell {
  const found = Object.create(null) as Fields;
  for (const { name, type } of children) {
    const member = Object.hasOwn(value, name) ? value[name] : null;
    found[name] = member == null ? null : reader(type)(member);
  }
  return found;
}

function plain(value: unknown): Cell {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (value instanceof Uint8Array) {
    return bytesText(value);
  }
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    return Array.from(value as unknown as ArrayLike<unknown>, part =>
      part == null ? null : plain(part)
    );
  }
  return value;
}

/** "-12.30" for -1230 and two places after the point. */
export function decimalText(value: bigint, scale: number): string {
  if (scale <= 0) {
    return (value * 10n ** BigInt(-scale)).toString();
  }
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const sign = value < 0n ? '-' : '';
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const PER_SECOND = [1n, 1000n, 1_000_000n, 1_000_000_000n] as const;

function split(value: bigint, size: bigint): [bigint, bigint] {
  const rest = ((value % size) + size) % size;
  return [(value - rest) / size, rest];
}

/** The day that lies `days` after 1970-01-01. */
export function dayText(days: bigint): string {
  // by the proleptic Gregorian calendar, for any year
  const z = days + 719_468n;
  const [era, ofEra] = split(z, 146_097n);
  const year = (ofEra - ofEra / 1460n + ofEra / 36_524n - ofEra / 146_096n) / 365n;
  const ofYear = ofEra - (365n * year + year / 4n - year / 100n);
  const part = (5n * ofYear + 2n) / 153n;
  const day = ofYear - (153n * part + 2n) / 5n + 1n;
  const month = part < 10n ? part + 3n : part - 9n;
  const full = year + era * 400n + (month <= 2n ? 1n : 0n);
  const sign = full < 0n ? '-' : '';
  const digits = (full < 0n ? -full : full).toString().padStart(4, '0');
  return `${sign}${digits}-${two(month)}-${two(day)}`;
}

function two(n: bigint | number): string {
  return String(n).padStart(2, '0');
}

/** "10:20:30.5": digits after the second as many as there are, or none; six at a time for spans. */
function clockText(value: bigint, unit: number, sixes: boolean): string {
  const per = PER_SECOND[unit] ?? 1n;
  const [seconds, fraction] = split(value, per);
  const clock = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  const digits =
    fraction === 0n ? '' : fraction.toString().padStart(per.toString().length - 1, '0');
  const shown = sixes && digits ? digits.padEnd(6, '0').slice(0, 9) : digits.replace(/0+$/, '');
  return shown ? `${clock}.${shown}` : clock;
}

/** ISO 8601 with every digit, in the column's zone, with the offset it had then. */
export function timeText(value: bigint, unit: number, zone: string | null): string {
  const per = PER_SECOND[unit] ?? 1n;
  const offset = zone === null ? 0 : offsetAt(zone, Number(value / per));
  const local = value + BigInt(offset) * per;
  const [day, rest] = split(local, 86_400n * per);
  const text = `${dayText(day)}T${clockText(rest, unit, false)}`;
  return zone === null ? text : text + offsetText(offset);
}

function offsetText(seconds: number): string {
  const size = Math.abs(seconds);
  const rest = size % 60 ? `:${two(size % 60)}` : '';
  return `${seconds < 0 ? '-' : '+'}${two(Math.floor(size / 3600))}:${two(Math.floor(size / 60) % 60)}${rest}`;
}

const zones = new Map<string, Intl.DateTimeFormat | null>();

/** Seconds east of UTC in `zone` at a moment; 0 where this browser does not know the zone. */
function offsetAt(zone: string, seconds: number): number {
  const fixed = /^([+-])(\d\d):?(\d\d)$/.exec(zone);
  if (fixed) {
    return (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 3600 + Number(fixed[3]) * 60);
  }
  if (zone === 'UTC' || Math.abs(seconds) > 8e12) {
    return 0;
  }
  if (!zones.has(zone)) {
    zones.set(zone, clockOf(zone));
  }
  const parts = zones.get(zone)?.formatToParts(seconds * 1000);
  if (!parts) {
    return 0;
  }
  const part = (type: string): number => Number(parts.find(one => one.type === type)?.value ?? 0);
  const year = parts.some(one => one.type === 'era' && /^B/.test(one.value))
    ? 1 - part('year')
    : part('year');
  const there = new Date(0);
  there.setUTCFullYear(year, part('month') - 1, part('day'));
  there.setUTCHours(part('hour') % 24, part('minute'), part('second'));
  return Math.round(there.getTime() / 1000) - seconds;
}

function clockOf(zone: string): Intl.DateTimeFormat | null {
  const digits = { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' } as const;
  try {
    return new Intl.DateTimeFormat('en-US', {
      ...digits,
      second: '2-digit',
      year: 'numeric',
      era: 'short',
      hourCycle: 'h23',
      timeZone: zone
    });
  } catch {
    return null;
  }
}

/** A duration as pandas writes it: "1 days 02:03:04". */
export function spanText(value: bigint, unit: number): string {
  const [days, rest] = split(value, 86_400n * (PER_SECOND[unit] ?? 1n));
  return `${days} days ${clockText(rest, unit, true)}`;
}

/** Bytes as Python writes them. */
function bytesText(bytes: Uint8Array): string {
  const text = Array.from(bytes.subarray(0, 10_000), byte =>
    byte === 0x5c || byte === 0x27
      ? `\\${String.fromCharCode(byte)}`
      : byte >= 0x20 && byte < 0x7f
        ? String.fromCharCode(byte)
        : (ESCAPES.get(byte) ?? `\\x${byte.toString(16).padStart(2, '0')}`)
  );
  return `b'${text.join('')}'${bytes.length > 10_000 ? ` and ${bytes.length - 10_000} bytes more` : ''}`;
}

const ESCAPES = new Map([
  [9, '\\t'],
  [10, '\\n'],
  [13, '\\r']
]);

const NAMES: { [id: number]: string } = {
  [Type.Null]: 'null',
  [Type.Bool]: 'bool',
  [Type.Utf8]: 'string',
  [Type.LargeUtf8]: 'string',
  [Type.Utf8View]: 'string',
  [Type.Binary]: 'binary',
  [Type.LargeBinary]: 'binary',
  [Type.FixedSizeBinary]: 'binary',
  [Type.List]: 'list',
  [Type.LargeList]: 'list',
  [Type.FixedSizeList]: 'list',
  [Type.Struct]: 'struct',
  [Type.Map]: 'map',
  [Type.Date]: 'date',
  [Type.Timestamp]: 'timestamp',
  [Type.Time]: 'time',
  [Type.Duration]: 'duration',
  [Type.Interval]: 'interval'
};

const TIMES: readonly number[] = [Type.Date, Type.Timestamp, Type.Time, Type.Duration];
const TEXTS: readonly number[] = [Type.Utf8, Type.LargeUtf8, Type.Utf8View];
const NUMBERS: readonly number[] = [Type.Int, Type.Float, Type.Decimal];

/** A column that no record describes, from its Arrow type. */
function described(field: string, type: DataType): Column {
  const loose = type as unknown as Loose;
  const inner = loose.typeId === Type.Dictionary ? (loose.dictionary as unknown as Loose) : loose;
  const id = inner.typeId;
  const kind = NUMBERS.includes(id)
    ? 'number'
    : TIMES.includes(id)
      ? 'time'
      : TEXTS.includes(id)
        ? 'text'
        : id === Type.Bool
          ? 'bool'
          : 'other';
  return { name: field, field, dtype: dtypeOf(inner), kind, index: false, nulls: 0 };
}

function dtypeOf({ typeId, bitWidth, signed, precision, scale }: Loose): string {
  switch (typeId) {
    case Type.Int:
      return `${signed === false ? 'u' : ''}int${bitWidth ?? 64}`;
    case Type.Float:
      return ['float16', 'float32', 'float64'][precision ?? 2] ?? 'float64';
    case Type.Decimal:
      return `decimal(${precision ?? 0}, ${scale ?? 0})`;
    default:
      return NAMES[typeId] ?? '';
  }
}
