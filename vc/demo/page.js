// The small round play buttons: one sound at a time, wherever on the page they are.
(() => {
  const player = new Audio();
  let playing = null;
  const stop = () => {
    player.pause();
    if (playing) playing.setAttribute("aria-pressed", "false");
    playing = null;
  };
  player.addEventListener("ended", stop);
  document.addEventListener("click", event => {
    const button = event.target.closest && event.target.closest(".vc-play");
    if (!button) return;
    const again = button === playing;
    stop();
    if (again) return;
    playing = button;
    button.setAttribute("aria-pressed", "true");
    player.src = button.dataset.sound;
    player.play().catch(stop);
  });
})();
