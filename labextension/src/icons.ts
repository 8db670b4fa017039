/** One icon a type. Drawn on 16 × 16 with JupyterLab's fill classes, so that themes colour them. */

import { LabIcon } from '@jupyterlab/ui-components';

function icon(type: string, paths: string): LabIcon {
  const svgstr =
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">' +
    `<g class="jp-icon3" fill="#616161">${paths}</g></svg>`;
  return new LabIcon({ name: `nb-artifacts:${type}`, svgstr });
}

const frame =
  '<path fill-rule="evenodd" d="M2.5 2h11A1.5 1.5 0 0 1 15 3.5v9a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 1 12.5v-9A1.5 1.5 0 0 1 2.5 2Zm0 1.3a.2.2 0 0 0-.2.2v9c0 .1.1.2.2.2h11a.2.2 0 0 0 .2-.2v-9a.2.2 0 0 0-.2-.2h-11Z"/>';

/** The sidebar's own: a stack of kept things. */
export const artifactsIcon = icon(
  'artifacts',
  '<path d="M8 .8 15.2 4.6 8 8.4.8 4.6 8 .8Zm0 1.5L3.7 4.6 8 6.9l4.3-2.3L8 2.3Z"/>' +
    '<path d="M2.3 7 8 10 13.7 7l1.5.8L8 11.6.8 7.8 2.3 7Z"/>' +
    '<path d="M2.3 10.2 8 13.2l5.7-3 1.5.8L8 14.8.8 11l1.5-.8Z"/>'
);

export const icons: { readonly [type: string]: LabIcon } = {
  link: icon(
    'link',
    '<path d="M9 2h5v5h-1.4V4.4L7.5 9.5l-1-1 5.1-5.1H9V2Z"/>' +
      '<path d="M3.5 3H7v1.4H3.5a.1.1 0 0 0-.1.1v8c0 .1 0 .1.1.1h8c.1 0 .1 0 .1-.1V9H13v3.5c0 .8-.7 1.5-1.5 1.5h-8A1.5 1.5 0 0 1 2 12.500V4.5C2 3.700 2.700 3 3.500 3Z"/>'
  ),
  markdown: icon(
    'markdown',
    '<path d="M3 1.500h7.300L13.500 4.700V13a1.500 1.500 0 0 1-1.500 1.500H4A1.500 1.500 0 0 1 2.500 13V2c0-.3.2-.5.5-.5Zm.9 1.400V13c0 .1 0 .1.1.1h8c.1 0 .1 0 .1-.1V5.300L9.700 2.900H3.900Z"/>' +
      '<path d="M5.200 6.200h5.600v1.200H5.200V6.200Zm0 2.400h5.600v1.200H5.200V8.600Zm0 2.400h3.600v1.200H5.200V11Z"/>'
  ),
  progress: icon(
    'progress',
    '<path fill-rule="evenodd" d="M8 1.200a6.800 6.800 0 1 1 0 13.600A6.800 6.800 0 0 1 8 1.200Zm0 1.400a5.400 5.400 0 1 0 0 10.800A5.400 5.400 0 0 0 8 2.600Z"/>' +
      '<path d="M8 4.200A3.800 3.800 0 0 1 11.800 8H8V4.200Z"/>'
  ),
  image: icon(
    'image',
    `${frame}<circle cx="5.200" cy="6" r="1.300"/><path d="m3.200 12 3-3.600 1.800 2 2.500-3.200 2.800 3.600V12H3.200Z"/>`
  ),
  table: icon(
    'table',
    `${frame}<path d="M2 5.500h12v1.300H2V5.500Zm0 3.300h12V10H2V8.800Z"/><path d="M5.600 5.500h1.300V13H5.600V5.500Zm4 0h1.300V13H9.600V5.500Z"/>`
  ),
  display: icon(
    'display',
    `${frame}<path d="M4 11.500V8h1.700v3.500H4Zm3.200 0V5h1.700v6.500H7.200Zm3.200 0V6.700h1.700v4.800h-1.700Z"/>`
  ),
  other: icon(
    'other',
    '<path d="M6.200 2v1.400h-1c-.5 0-.8.3-.8.8v2c0 .8-.4 1.500-1 1.800.6.3 1 1 1 1.800v2c0 .5.3.8.8.8h1V14h-1A2.200 2.200 0 0 1 3 11.800v-2c0-.6-.3-1-1-1V7.200c.7 0 1-.4 1-1v-2C3 3 4 2 5.200 2h1Zm3.600 0h1C12 2 13 3 13 4.200v2c0 .6.3 1 1 1v1.600c-.7 0-1 .4-1 1v2c0 1.200-1 2.200-2.200 2.200h-1v-1.400h1c.5 0 .8-.3.8-.8v-2c0-.8.4-1.500 1-1.800-.6-.3-1-1-1-1.800v-2c0-.5-.3-.8-.8-.8h-1V2Z"/>'
  )
};

/** The icon of a type, whatever it is. */
export function iconOf(type: string | null): LabIcon {
  const known = type !== null && Object.hasOwn(icons, type) ? icons[type] : undefined;
  return known ?? (icons['other'] as LabIcon);
}
