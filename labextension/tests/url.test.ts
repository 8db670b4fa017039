import { describe, expect, it } from 'vitest';
import { hostOf, isDataImage, linkUrl, remoteImageUrl, shownUrl } from '../src/url';

const HOSTILE = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  ' javascript:alert(1)',
  '\u0001javascript:alert(1)',
  'java\tscript:alert(1)',
  'java\nscript:alert(1)',
  'java\r\nscript:alert(1)',
  'javascript\t:alert(1)',
  'javascript&colon;alert(1)',
  '&#106;avascript:alert(1)',
  'javascript://example.org/%0aalert(1)',
  '\u00a0javascript:alert(1)',
  '\ufeffjavascript:alert(1)',
  '\u2028javascript:alert(1)',
  'vbscript:msgbox(1)',
  'VBScript:msgbox(1)',
  'data:text/html,<script>alert(1)</script>',
  'data:text/html;base64,PHNjcmlwdD4=',
  'data:image/svg+xml,<svg onload=alert(1)>',
  'DATA:text/html,x',
  'file:///etc/passwd',
  'file://host/share',
  'blob:https://example.org/1',
  'filesystem:https://example.org/x',
  'about:blank',
  'view-source:https://example.org',
  'chrome://settings',
  'intent://x#Intent;end',
  'ftp://example.org',
  'ws://example.org',
  'tel:1',
  'sms:1',
  'ms-word:ofe|u|https://example.org',
  '//example.org/x',
  '/logout',
  '../api/shutdown',
  '?token=1',
  '#top',
  '',
  ' ',
  'http:',
  'http://',
  'http:///x',
  'https:example.org',
  'http:\\\\example.org',
  'mailto://example.org',
  'x'.repeat(10_000)
];

describe('linkUrl', () => {
  it.each(HOSTILE)('refuses %j', url => expect(linkUrl(url)).toBeNull());

  it.each([null, undefined, 1, {}, ['https://example.org']])('refuses %j', url =>
    expect(linkUrl(url)).toBeNull()
  );

  it.each([
    'https://example.org/a?b=c#d',
    'HTTP://EXAMPLE.org',
    ' https://example.org ',
    'mailto:somebody@example.org',
    'https://[::1]:8888/x',
    'https://пример.рф/'
  ])('lets %j through', url => expect(linkUrl(url)).not.toBeNull());
});

describe('images', () => {
  it('come from the web or carry themselves', () => {
    expect(remoteImageUrl('https://example.org/a.png')).toBe('https://example.org/a.png');
    expect(remoteImageUrl('mailto:a@b.c')).toBeNull();
    expect(isDataImage('data:image/png;base64,AAAA')).toBe(true);
    expect(isDataImage('data:text/html,x')).toBe(false);
    expect(isDataImage('data:image/x-icon,x')).toBe(false);
  });
});

describe('what people read', () => {
  it('is the host, and the address without its scheme', () => {
    expect(hostOf('https://example.org:8443/x')).toBe('example.org:8443');
    expect(hostOf('nonsense')).toBe('');
    expect(shownUrl('https://example.org/')).toBe('example.org');
    expect(shownUrl(`https://example.org/${'x'.repeat(200)}`).length).toBeLessThan(95);
  });
});
