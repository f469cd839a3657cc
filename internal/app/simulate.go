package app

import "net/http"

// Simulate serves the controls of the simulator that plays the WhatsApp providers:
// for the demo, for nothing protects them. It is called before the App serves.
func (a *App) Simulate(control http.Handler) {
	a.router.MountFunc("/simulator/", func(w http.ResponseWriter, r *http.Request) error {
		control.ServeHTTP(w, r)
		return nil
	}, http.MethodGet, http.MethodPost, http.MethodDelete)
}
