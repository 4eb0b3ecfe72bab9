// Draw each chart when it comes near the visible part of the page.
const draw = (element) => {
  const specification = JSON.parse(element.nextElementSibling.textContent);
  const options = { actions: { export: true, source: false, compiled: false, editor: false }, renderer: "canvas" };
  vegaEmbed(element, specification, options).catch((error) => {
    element.textContent = `This figure could not be drawn: ${error.message}`;
  });
};
const observer = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
    observer.unobserve(entry.target);
    draw(entry.target);
  }),
  { rootMargin: "600px" },
);
document.querySelectorAll(".chart").forEach((element) => observer.observe(element));
window.addEventListener("beforeprint", () => document.querySelectorAll(".chart:empty").forEach(draw));
