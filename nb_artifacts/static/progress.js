// The view of nb_artifacts.ProgressWidget: a bar and its words. Everything from the kernel is shown as text.

const COLOURS = {
  '': 'var(--jp-brand-color1, #1976d2)',
  info: 'var(--jp-info-color1, #0277bd)',
  success: 'var(--jp-success-color1, #2e7d32)',
  warning: 'var(--jp-warn-color1, #b26a00)',
  danger: 'var(--jp-error-color1, #c62828)'
};

function element(tag, parent, style) {
  const made = document.createElement(tag);
  Object.assign(made.style, style);
  parent.append(made);
  return made;
}

function render({ model, el }) {
  const row = element('div', el, { display: 'flex', alignItems: 'center', gap: '8px', minWidth: '12em', flex: '1' });
  const label = element('span', row, { whiteSpace: 'nowrap' });
  const track = element('div', row, {
    flex: '1', height: '8px', minWidth: '6em', borderRadius: '4px', overflow: 'hidden', background: 'rgba(128,128,128,0.3)'
  });
  const fill = element('div', track, { height: '100%', width: '0', transition: 'width 0.1s linear' });
  const words = element('span', row, { whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' });
  track.setAttribute('role', 'progressbar');

  const draw = () => {
    const [value, low, high] = ['value', 'min', 'max'].map(name => model.get(name));
    const share = high === null ? null : high > low ? Math.min(Math.max((value - low) / (high - low), 0), 1) : 1;
    label.textContent = model.get('description');
    label.style.display = label.textContent ? '' : 'none';
    words.textContent = model.get('text') || (share === null ? '' : `${Math.floor(share * 100)} %`);
    fill.style.width = `${(share === null ? 1 : share) * 100}%`;
    fill.style.opacity = share === null ? '0.5' : '1';
    fill.style.background = COLOURS[model.get('bar_style')] || COLOURS[''];
    track.setAttribute('aria-label', label.textContent || 'Progress');
    track.setAttribute('aria-valuetext', words.textContent);
    track.setAttribute('aria-valuemin', String(low));
    if (share === null) {
      track.removeAttribute('aria-valuenow');
      track.removeAttribute('aria-valuemax');
    } else {
      track.setAttribute('aria-valuemax', String(high));
      track.setAttribute('aria-valuenow', String(value));
    }
  };
  model.on('change', draw);
  draw();
  return () => model.off('change', draw);
}

export default { render };
