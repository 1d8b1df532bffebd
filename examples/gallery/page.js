// Draws pictures as they come into view. A page may hold only about 16 WebGL contexts, so surfaces are taken down again.
const near = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && !target.dataset.drawn) {
        target.dataset.drawn = 'yes';
        Plotly.newPlot(target, JSON.parse(document.getElementById(`${target.id}-data`).textContent));
      } else if (!isIntersecting && target.dataset.drawn && target.classList.contains('webgl')) {
        delete target.dataset.drawn;
        Plotly.purge(target);
      }
    }
  },
  { rootMargin: '500px 0px' },
);
for (const picture of document.querySelectorAll('.plot')) near.observe(picture);
