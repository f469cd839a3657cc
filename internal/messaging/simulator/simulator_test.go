package simulator_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"syncro/internal/messaging"
	"syncro/internal/messaging/cloudapi"
	"syncro/internal/messaging/exchange"
	"syncro/internal/messaging/simulator"
	"syncro/internal/messaging/waha"
)

const joao = "+5511999887766"

// world is a simulator with a number at each provider, the adapters that use it,
// and the webhooks that came.
type world struct {
	*simulator.Simulator
	t           *testing.T
	url         string
	now         time.Time
	waha        *waha.Adapter
	cloud       *cloudapi.Adapter
	one, two    messaging.Connection
	mu          sync.Mutex
	incoming    []messaging.Incoming
	hookAnswers int
}

func start(t *testing.T, c simulator.Config) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 6, 30, 10, 0, 0, 0, time.UTC), hookAnswers: http.StatusOK}
	w.waha, w.cloud = waha.New(exchange.Config{}), cloudapi.New(exchange.Config{})
	c.Clock = func() time.Time { return w.now }
	w.Simulator = simulator.New(c)
	server := httptest.NewServer(w.Simulator)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.one = messaging.Connection{InstanceID: 1, Provider: "waha", BaseURL: server.URL, Session: "vendas", Token: "key", HookSecret: "s1"}
	w.two = messaging.Connection{InstanceID: 2, Provider: "cloud_api", BaseURL: server.URL, PhoneNumberID: "1065", BusinessID: "1022", Token: "tok", HookSecret: "s2"}
	hooks := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		provider, connection := messaging.Provider(w.waha), w.one
		if r.URL.Path == "/2" {
			provider, connection = w.cloud, w.two
		}
		raw, err := io.ReadAll(r.Body)
		if err = errors.Join(err, provider.VerifyHook(connection, r.Header, raw)); err != nil {
			t.Error(err)
		}
		list, err := provider.ReadHook(connection, raw)
		if err != nil {
			t.Error(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.incoming = append(w.incoming, list...)
		out.WriteHeader(w.hookAnswers)
	}))
	t.Cleanup(hooks.Close)
	w.Add(simulator.Number{InstanceID: 1, Provider: "waha", Phone: "+5511999887700", Token: "key", Session: "vendas", HookURL: hooks.URL + "/1", HookSecret: "s1"})
	w.Add(simulator.Number{InstanceID: 2, Provider: "cloud_api", Phone: "+5521987654321", Token: "tok", PhoneNumberID: "1065", BusinessID: "1022", HookURL: hooks.URL + "/2", HookSecret: "s2",
		Templates: []simulator.Template{
			{Name: "lembrete", Language: "pt_BR", Category: "UTILITY", Status: "APPROVED", Body: "Olá {{1}}, {{2}}."},
			{Name: "foto", Language: "pt_BR", Category: "MARKETING", Status: "APPROVED", Body: "Veja", HeaderType: "image"},
			{Name: "promo", Language: "pt_BR", Category: "MARKETING", Status: "PENDING", Body: "Promo"},
		}})
	return w
}

func text(to, body string) messaging.Outgoing {
	return messaging.Outgoing{To: to, Kind: messaging.KindText, Body: body}
}

// sends sends by WAHA.
func (w *world) sends(to, body string) (messaging.Sent, messaging.Outcome) {
	w.t.Helper()
	sent, err := w.waha.Send(w.t.Context(), w.one, text(to, body))
	return sent, outcome(err)
}

func outcome(err error) messaging.Outcome {
	if e, ok := errors.AsType[*messaging.SendError](err); ok {
		return e.Outcome
	}
	return ""
}

func (w *world) arrived() []messaging.Incoming {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.incoming
	w.incoming = nil
	return list
}

func TestEveryEnginesMessageMeetsItsAcks(t *testing.T) {
	w := start(t, simulator.Config{})
	for _, engine := range []string{"GOWS", "WEBJS", "NOWEB"} {
		n := simulator.Number{InstanceID: 3, Provider: "waha", Phone: "+5511999887701", Token: "key3", Session: engine, Engine: engine}
		w.Add(n)
		c := w.one
		c.Session, c.Token = engine, "key3"
		sent, err := w.waha.Send(t.Context(), c, text(joao, engine))
		if err != nil || sent.ProviderID != w.Messages()[len(w.Messages())-1].ID || sent.WaID != "5511999887766@c.us" {
			t.Errorf("%s sends %+v, %v", engine, sent, err)
		}
	}
	sent, _ := w.sends(joao, "Oi")
	for _, status := range []string{"sent", "delivered", "read", "played", "failed"} {
		if err := w.Tell(t.Context(), sent.ProviderID, status, 0); err != nil {
			t.Fatal(err)
		}
		if got := w.arrived(); len(got) != 1 || got[0].Status == nil || got[0].Status.ProviderID != sent.ProviderID || string(got[0].Status.Status) != status {
			t.Errorf("%s arrives as %+v", status, got)
		}
	}
}

func TestTheNinthDigitIsWhatsAppsOwn(t *testing.T) {
	w := start(t, simulator.Config{})
	const with, without = "+5531987654321", "553187654321"
	w.Register(with, without)
	chat, exists, err := w.waha.CheckNumber(t.Context(), w.one, with)
	if err != nil || !exists || chat != without+"@c.us" {
		t.Errorf("the number is %q, %t, %v", chat, exists, err)
	}
	if _, got := w.sends(with, "Oi"); got != "" || w.Count(with, "Oi") != 0 || !w.Messages()[0].Lost {
		t.Errorf("the wrong form is %q, and arrives", got)
	}
	if _, got := w.sends(chat, "Oi"); got != "" || w.Count(with, "Oi") != 1 || w.Attempts(with, "Oi") != 2 {
		t.Errorf("the right form is %q, and arrives %d times", got, w.Count(with, "Oi"))
	}
	w.SawInbound(2, with, w.now)
	sent, err := w.cloud.Send(t.Context(), w.two, text(with, "Oi"))
	if err != nil || sent.WaID != without {
		t.Errorf("Meta sends to %q, %v", sent.WaID, err)
	}
	if _, exists, err := w.waha.CheckNumber(t.Context(), w.one, simulator.AbsentPhone); err != nil || exists {
		t.Errorf("the absent phone exists: %t, %v", exists, err)
	}
	if _, err := w.cloud.Send(t.Context(), w.two, text(simulator.AbsentPhone, "Oi")); outcome(err) != messaging.Permanent {
		t.Errorf("the absent phone gives %v", err)
	}
}

func TestItRefusesWhatTheRealServicesRefuse(t *testing.T) {
	w := start(t, simulator.Config{})
	w.SawInbound(2, joao, w.now.Add(-23*time.Hour))
	template := func(name string, variables ...string) messaging.Outgoing {
		return messaging.Outgoing{To: joao, Kind: messaging.KindTemplate, Template: &messaging.OutgoingTemplate{Name: name, Language: "pt_BR", Variables: variables}}
	}
	withPhoto := template("foto")
	withPhoto.Template.HeaderType, withPhoto.Template.HeaderMediaURL = "image", "https://exemplo.com.br/f.png"
	stranger := w.two
	stranger.Token = "other"
	lost := w.two
	lost.PhoneNumberID = "999"
	for _, c := range []struct {
		name    string
		c       messaging.Connection
		m       messaging.Outgoing
		outcome messaging.Outcome
		code    string
	}{
		{"a text inside the window", w.two, text(joao, "Oi"), "", ""},
		{"a text outside of it", w.two, text("+5511988887777", "Oi"), messaging.WindowClosed, "131047"},
		{"a template outside of it", w.two, func() messaging.Outgoing { m := template("lembrete", "a", "b"); m.To = "+5511988887777"; return m }(), "", ""},
		{"too few variables", w.two, template("lembrete", "a"), messaging.Permanent, "132000"},
		{"too many variables", w.two, template("lembrete", "a", "b", "c"), messaging.Permanent, "132000"},
		{"a variable of two lines", w.two, template("lembrete", "a\nb", "c"), messaging.Permanent, "100"},
		{"an unknown template", w.two, template("nenhum"), messaging.Permanent, "132001"},
		{"a pending template", w.two, template("promo"), messaging.Permanent, "132001"},
		{"a header without its medium", w.two, template("foto"), messaging.Permanent, "132012"},
		{"a header with its medium", w.two, withPhoto, "", ""},
		{"a phone that takes nothing", w.two, text(simulator.RefusedPhone, "Oi"), messaging.Permanent, "131026"},
		{"a wrong token", stranger, text(joao, "Oi"), messaging.NumberInTrouble, "190"},
		{"an unknown number", lost, text(joao, "Oi"), messaging.Permanent, "100"},
	} {
		_, err := w.cloud.Send(t.Context(), c.c, c.m)
		var e *messaging.SendError
		if errors.As(err, &e); outcome(err) != c.outcome || e != nil && e.Code != c.code {
			t.Errorf("%s gives %v", c.name, err)
		}
	}
	if w.Count("+5511988887777", "Olá a, b.") != 1 {
		t.Errorf("the filled template did not arrive: %+v", w.Messages())
	}
	w.now = w.now.Add(2 * time.Hour)
	if _, err := w.cloud.Send(t.Context(), w.two, text(joao, "Oi")); outcome(err) != messaging.WindowClosed {
		t.Errorf("after a day it gives %v", err)
	}

	if _, got := w.sends(simulator.RefusedPhone, "Oi"); got != messaging.Permanent {
		t.Errorf("WAHA gives %s for a phone that takes nothing", got)
	}
	if err := w.SetSession(t.Context(), 1, "FAILED"); err != nil {
		t.Fatal(err)
	}
	if got := w.arrived(); len(got) != 1 || got[0].Session == nil || got[0].Session.State != messaging.SessionFailed {
		t.Errorf("a failed session arrives as %+v", got)
	}
	if _, got := w.sends(joao, "Oi"); got != messaging.NumberInTrouble {
		t.Errorf("a failed session gives %s", got)
	}
	if state, err := w.waha.ReadSession(t.Context(), w.one); err != nil || state.State != messaging.SessionFailed {
		t.Errorf("the session is %+v, %v", state, err)
	}
	unknown := w.one
	unknown.Session = "none"
	if _, err := w.waha.Send(t.Context(), unknown, text(joao, "Oi")); outcome(err) != messaging.NumberInTrouble {
		t.Errorf("an unknown session gives %v", err)
	}
}

func TestTemplatesAreListedOverSeveralPages(t *testing.T) {
	w := start(t, simulator.Config{Page: 2})
	list, err := w.cloud.ListTemplates(t.Context(), w.two)
	if err != nil || len(list) != 3 || list[0].VariablesCount != 2 || list[1].HeaderType != "image" || list[2].Status != "PENDING" {
		t.Errorf("the list is %+v, %v", list, err)
	}
}

func TestFailuresHappenOnDemandAndAreCounted(t *testing.T) {
	w := start(t, simulator.Config{})
	release := make(chan struct{})
	defer close(release)
	for _, c := range []struct {
		name    string
		failure simulator.Failure
		outcome messaging.Outcome
		arrives int
	}{
		{"a limit", simulator.Failure{Status: 429, RetryAfter: 7}, messaging.RetryLater, 0},
		{"a server error", simulator.Failure{Status: 500}, messaging.Unknown, 0},
		{"a server error after the fact", simulator.Failure{Status: 500, Taken: true}, messaging.Unknown, 1},
		{"garbage", simulator.Failure{Garbage: true, Taken: true}, messaging.Unknown, 1},
		{"a cut before", simulator.Failure{Cut: true}, messaging.Unknown, 0},
		{"a cut after", simulator.Failure{Cut: true, Taken: true}, messaging.Unknown, 1},
		{"an answer that never comes", simulator.Failure{Hold: release}, messaging.Unknown, 1},
		{"a refusal", simulator.Failure{Code: 131049}, messaging.Permanent, 0},
		{"a slow answer", simulator.Failure{Wait: 1}, "", 1},
	} {
		c.failure.Times, c.failure.Phone = 1, "+551199887766"
		w.Fail(c.failure)
		if _, got := w.sends("+5511988887777", c.name); got != "" {
			t.Errorf("%s hits another customer: %s", c.name, got)
		}
		patient := w.waha
		if c.failure.Hold != nil {
			w.waha = waha.New(exchange.Config{Answer: 100 * time.Millisecond})
		}
		_, got := w.sends(joao, c.name)
		if w.waha = patient; got != c.outcome || w.Count(joao, c.name) != c.arrives {
			t.Errorf("%s gives %q and arrives %d times", c.name, got, w.Count(joao, c.name))
		}
		if _, got := w.sends(joao, c.name); got != "" || w.Count(joao, c.name) != c.arrives+1 || w.Attempts(joao, c.name) != 2 {
			t.Errorf("after %s it gives %q", c.name, got)
		}
	}
	if doubled := w.Doubled(); len(doubled) != 5 {
		t.Errorf("doubled are %+v", doubled)
	}
	w.Fail(simulator.Failure{InstanceID: 2, Everything: true, Status: 500})
	if _, err := w.cloud.ListTemplates(t.Context(), w.two); outcome(err) != messaging.RetryLater {
		t.Errorf("a question gives %v", err)
	}
	if _, got := w.sends(joao, "outro"); got != "" {
		t.Errorf("another number is hit: %s", got)
	}
	w.Heal()
	if _, err := w.cloud.ListTemplates(t.Context(), w.two); err != nil {
		t.Error(err)
	}
}

func TestAMessageCanFailAfterItWasAccepted(t *testing.T) {
	w := start(t, simulator.Config{})
	w.SawInbound(2, joao, w.now)
	w.Fail(simulator.Failure{Later: true, Code: 131047, Times: 1})
	sent, err := w.cloud.Send(t.Context(), w.two, text(joao, "Oi"))
	if err != nil {
		t.Fatal(err)
	}
	w.Close(t.Context())
	got := w.arrived()
	if len(got) != 1 || got[0].Status == nil || got[0].Status.ProviderID != sent.ProviderID || got[0].Status.Problem == nil || got[0].Status.Problem.Outcome != messaging.WindowClosed {
		t.Errorf("it arrives as %+v", got)
	}
}

func TestMessagesTellOfThemselvesInTheBackground(t *testing.T) {
	w := start(t, simulator.Config{Statuses: true})
	if _, got := w.sends(joao, "Oi"); got != "" {
		t.Fatal(got)
	}
	w.Close(t.Context())
	var seen []string
	for _, in := range w.arrived() {
		seen = append(seen, string(in.Status.Status))
	}
	if strings.Join(seen, " ") != "sent delivered read" || w.Messages()[0].Status != "read" {
		t.Errorf("it tells %v", seen)
	}
}

func TestCustomersWrite(t *testing.T) {
	w := start(t, simulator.Config{})
	ask := func(method, path, body string, want int) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, w.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != want {
			t.Errorf("%s %s %s: %d %s %v", method, path, body, answer.StatusCode, text, err)
		}
		return string(text)
	}
	ask("POST", "/simulator/inbound", `{"phone":"+5511999887766","instance_id":1,"body":"Oi"}`, 200)
	got := w.arrived() // message and message.any
	if len(got) != 2 || got[0].Message == nil || got[0].Message.ProviderID != got[1].Message.ProviderID || got[0].Message.Phone != joao || got[0].Message.Body != "Oi" || !got[0].Message.At.Equal(w.now) {
		t.Errorf("by WAHA it arrives as %+v", got)
	}
	ask("POST", "/simulator/inbound", `{"phone":"+5511999887766","instance_id":2,"body":"Olha","type":"image","name":"João"}`, 200)
	got = w.arrived()
	if len(got) != 1 || got[0].Message == nil || got[0].Message.Kind != messaging.KindImage || got[0].Message.Name != "João" || got[0].Message.Body != "Olha" {
		t.Fatalf("by Meta it arrives as %+v", got)
	}
	if n := size(t, w.cloud, w.two, *got[0].Message.Media); n == 0 {
		t.Error("the image is empty")
	}
	if _, err := w.cloud.Send(t.Context(), w.two, text(joao, "Bonita")); err != nil {
		t.Errorf("the window stays closed: %v", err)
	}

	w.Hide(joao, "184829")
	if _, err := w.Write(t.Context(), simulator.Inbound{InstanceID: 1, Phone: joao, Kind: "document"}); err != nil {
		t.Fatal(err)
	}
	got = w.arrived()
	if len(got) != 2 || !got[0].Message.Hidden || got[0].Message.Phone != "" {
		t.Fatalf("a hidden customer arrives as %+v", got)
	}
	if n := size(t, w.waha, w.one, *got[0].Message.Media); n == 0 {
		t.Error("the document is empty")
	}
	if phone, err := w.waha.ResolveHidden(t.Context(), w.one, got[0].Message.ChatID); err != nil || phone != joao {
		t.Errorf("the hidden customer is %q, %v", phone, err)
	}
	if phone, err := w.waha.ResolveHidden(t.Context(), w.one, "1@lid"); err != nil || phone != "" {
		t.Errorf("nobody is %q, %v", phone, err)
	}
	if _, got := w.sends("184829@lid", "Oi"); got != "" || w.Count(joao, "Oi") != 1 {
		t.Errorf("to a hidden customer it gives %q", got)
	}
	if _, err := w.Write(t.Context(), simulator.Inbound{InstanceID: 1, Phone: joao, Body: "Já te ligo", FromMe: true}); err != nil {
		t.Fatal(err)
	}
	if got = w.arrived(); len(got) != 1 || !got[0].Message.FromMe {
		t.Errorf("from the handset it arrives as %+v", got)
	}

	ask("POST", "/simulator/inbound", `{"phone":"+5511999887766","instance_id":9,"body":"Oi"}`, 422)
	ask("POST", "/simulator/inbound", `{"phone":"+5511999887766","instance_id":1}`, 422)
	ask("POST", "/simulator/inbound", `Oi`, 400)
	ask("POST", "/simulator/session", `{"instance_id":2,"status":"FAILED"}`, 422)
	ask("POST", "/simulator/failures", `{"status":429,"times":1}`, 200)
	if _, got := w.sends(joao, "x"); got != messaging.RetryLater {
		t.Errorf("a failure over HTTP gives %q", got)
	}
	ask("POST", "/simulator/failures", `{"cut":true}`, 200)
	ask("DELETE", "/simulator/failures", ``, 200)
	if list := ask("GET", "/simulator/messages", ``, 200); !strings.Contains(list, `"body":"Bonita"`) {
		t.Errorf("the messages are %s", list)
	}
	ask("POST", "/simulator/status", `{"message_id":"none","status":"read"}`, 422)

	w.mu.Lock()
	w.hookAnswers = http.StatusInternalServerError
	w.mu.Unlock()
	if _, err := w.Write(t.Context(), simulator.Inbound{InstanceID: 2, Phone: joao, Body: "Oi"}); err == nil {
		t.Error("a webhook that fails is not noticed")
	}
	if calls := w.Calls(); calls[len(calls)-1].Status != 500 {
		t.Errorf("the newest call is %+v", calls[len(calls)-1])
	}
}

func size(t *testing.T, p messaging.MediaOpener, c messaging.Connection, m messaging.IncomingMedia) int {
	t.Helper()
	body, err := p.OpenMedia(t.Context(), c, m)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return len(text)
}

func TestItServesOnAnAddressOfItsOwnAndStops(t *testing.T) {
	s := simulator.New(simulator.Config{})
	s.Add(simulator.Number{InstanceID: 1, Provider: "waha", Phone: "+5511999887700", Token: "key", Session: "vendas"})
	url, stop, err := s.Start(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := messaging.Connection{BaseURL: url, Session: "vendas", Token: "key"}
	if _, err := waha.New(exchange.Config{}).Send(t.Context(), c, text(joao, "Oi")); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := stop(ctx); err != nil {
		t.Error(err)
	}
	if _, err := waha.New(exchange.Config{}).Send(t.Context(), c, text(joao, "Oi")); outcome(err) != messaging.NotSent {
		t.Errorf("when it has stopped it gives %v", err)
	}
}
