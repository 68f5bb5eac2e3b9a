(() => {
  const faults = [];
  const where = e => {
    const name = e.tagName.toLowerCase() + (e.id ? '#' + e.id : '') +
      (e.getAttribute('class') ? '.' + e.getAttribute('class').trim().replace(/\s+/g, '.') : '');
    return name + ' "' + (e.textContent || '').trim().replace(/\s+/g, ' ').slice(0, 50) + '"';
  };
  // Colours are read by painting them: the browser knows every notation.
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const brush = canvas.getContext('2d', {willReadFrequently: true});
  const seen = new Map();
  const rgba = color => {
    if (!seen.has(color)) {
      brush.clearRect(0, 0, 1, 1);
      brush.fillStyle = '#000';
      brush.fillStyle = color;
      brush.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
      seen.set(color, [r, g, b, a / 255]);
    }
    return seen.get(color);
  };
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3])).concat(1);
  const ground = e => {
    const layers = [];
    for (let at = e; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] > 0) layers.push(color);
      if (color[3] === 1) break;
    }
    const dark = matchMedia('(prefers-color-scheme: dark)').matches && !matchMedia('print').matches;
    return layers.reverse().reduce((below, top) => over(top, below), dark ? [18, 18, 18, 1] : [255, 255, 255, 1]);
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * x + .7152 * y + .0722 * z;
  };
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((m, n) => n - m);
    return (x + .05) / (y + .05);
  };
  const visible = e => e.checkVisibility({opacityProperty: true, visibilityProperty: true});

  // WCAG 2.2, 1.4.3: 4.5 to 1, or 3 to 1 for large text.
  const reported = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !visible(e) || /^(title|desc|style|script)$/i.test(e.tagName)) continue;
    const style = getComputedStyle(e);
    const drawn = e instanceof SVGElement;
    const color = rgba(drawn ? style.fill : style.color);
    const behind = drawn && e.dataset.on ? rgba(getComputedStyle(document.querySelector(e.dataset.on)).fill) : ground(e);
    const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
    const needed = size >= 24 || bold && size >= 18.66 ? 3 : 4.5;
    const got = contrast(over(color, behind), behind);
    const key = style.color + behind;
    if (got < needed && !reported.has(key)) {
      reported.add(key);
      faults.push(`contrast ${got.toFixed(2)} of ${where(e)}`);
    }
  }

  // A phone makes its window as broad as the page, so the screen is what counts.
  const room = Math.min(innerWidth, screen.width);
  if (document.documentElement.scrollWidth > room)
    faults.push(`page is ${document.documentElement.scrollWidth} wide on a screen of ${room}: ` +
      [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > room + 1 && visible(e))
        .slice(0, 3).map(where).join(', '));

  const ids = new Set();
  for (const e of document.querySelectorAll('[id]')) {
    if (ids.has(e.id)) faults.push('id stands twice: ' + e.id);
    ids.add(e.id);
  }
  for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby]'))
    for (const id of `${e.getAttribute('aria-labelledby') || ''} ${e.getAttribute('aria-describedby') || ''}`.trim().split(/\s+/))
      if (!ids.has(id)) faults.push(`${where(e)} names ${id}, which is not there`);

  const named = e => e.textContent.trim() || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') ||
    e.title || (e.labels && e.labels.length);
  for (const e of document.querySelectorAll('a[href], button, summary, input:not([type=hidden]), select, textarea'))
    if (!named(e)) faults.push('no name: ' + where(e));
  for (const e of document.querySelectorAll('svg'))
    if (e.getAttribute('aria-hidden') !== 'true' &&
      !(e.getAttribute('role') === 'img' && (e.querySelector(':scope > title') || e.getAttribute('aria-labelledby'))))
      faults.push('picture without a name: ' + where(e));

  let before = 0;
  for (const e of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    const level = +e.tagName[1];
    if (level > before + 1) faults.push(`heading of level ${level} after ${before}: ${where(e)}`);
    before = level;
  }
  if (document.querySelectorAll('h1').length !== 1) faults.push('not one h1');
  if (document.querySelectorAll('main').length !== 1) faults.push('not one main');
  if (!document.documentElement.lang) faults.push('no language');
  if (!document.title.trim()) faults.push('no title');
  return faults;
})()
