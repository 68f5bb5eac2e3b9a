package browser

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// within bounds one step of a tab.
const within = 2 * time.Minute

// Look is how a page is looked at. The zero value is a light screen of 1280 × 900.
type Look struct {
	Width, Height int
	// Scale is how many dots of the screen one pixel has; 0 means 1.
	Scale       float64
	Dark, Print bool
}

// Tab is one page in the browser.
type Tab struct {
	ctx     context.Context
	address string

	mu         sync.Mutex
	complaints []string
	requests   []string
}

// Open loads a page and waits until it is there. The tab closes with the test.
func (b *Browser) Open(t testing.TB, address string, look Look) *Tab {
	t.Helper()
	tab := &Tab{address: address}
	ctx, end := chromedp.NewContext(b.ctx, chromedp.WithListener(tab.hear))
	t.Cleanup(end)
	tab.ctx = ctx
	// The first run opens the tab, which then lives as long as the context of that very run.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	call(t, tab, network.Enable, network.EnableParams{})
	call(t, tab, log.Enable, cdp.Empty{})
	call(t, tab, emulation.SetDeviceMetricsOverride, look.size())
	call(t, tab, emulation.SetEmulatedMedia, look.media())
	run(t, tab, "open "+address, chromedp.Navigate(address))
	return tab
}

func (l Look) size() emulation.SetDeviceMetricsOverrideParams {
	width, height, scale := cmp.Or(l.Width, 1280), cmp.Or(l.Height, 900), cmp.Or(l.Scale, 1)
	// A narrow screen is a phone's, which obeys the page's viewport.
	return emulation.SetDeviceMetricsOverrideParams{Width: int64(width), Height: int64(height), DeviceScaleFactor: scale,
		ScreenWidth: int64(width), ScreenHeight: int64(height), Mobile: width < 600}
}

func (l Look) media() emulation.SetEmulatedMediaParams {
	scheme, medium := "light", "screen"
	if l.Dark {
		scheme = "dark"
	}
	if l.Print {
		medium = "print"
	}
	return emulation.SetEmulatedMediaParams{Media: medium, Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
}

// hear keeps what the page asked for and what the browser had to say of it.
func (tab *Tab) hear(event any) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, "data:") {
			tab.requests = append(tab.requests, e.Request.URL)
		}
	case *log.EventEntryAdded:
		tab.complaints = append(tab.complaints, string(e.Entry.Source)+": "+e.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		tab.complaints = append(tab.complaints, fmt.Sprintf("console.%s with %d values", e.Type, len(e.Args)))
	case *runtime.EventExceptionThrown:
		tab.complaints = append(tab.complaints, "exception: "+e.ExceptionDetails.Text)
	case *page.EventJavascriptDialogOpening:
		tab.complaints = append(tab.complaints, "dialog: "+e.Message)
	}
}

// Complaints are the browser's messages on the page: violations of its policy, errors, anything on the console.
func (tab *Tab) Complaints() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.Clone(tab.complaints)
}

// Requests are the addresses that the page asked for, its own first.
func (tab *Tab) Requests() []string {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return slices.Clone(tab.requests)
}

// Elsewhere are the requests that went to another place than the page came from.
func (tab *Tab) Elsewhere() []string {
	own := site(tab.address)
	return slices.DeleteFunc(tab.Requests(), func(address string) bool { return site(address) == own })
}

// Eval gives the value of an expression. The page's own policy does not hinder it.
func Eval[T any](t testing.TB, tab *Tab, expression string) T {
	t.Helper()
	return run(t, tab, "evaluate "+expression, chromedp.Evaluate[T](expression))
}

// Press presses a key, as "\t" or "\r".
func (tab *Tab) Press(t testing.TB, key string) {
	t.Helper()
	run(t, tab, fmt.Sprintf("press %q", key), chromedp.KeyEvent(key))
}

// Click clicks the first element that a CSS selector finds.
func (tab *Tab) Click(t testing.TB, selector string) {
	t.Helper()
	run(t, tab, "click "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// Await waits until an expression is true.
func (tab *Tab) Await(t testing.TB, expression string) {
	t.Helper()
	run(t, tab, "wait for "+expression, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(within)))
}

// Picture keeps a picture of the whole page as a PNG file in the directory that the variable SCREENSHOTS names; nowhere
// without it. Pictures stay out of the repository.
func (tab *Tab) Picture(t testing.TB, name string) {
	t.Helper()
	directory := os.Getenv("SCREENSHOTS")
	if directory == "" {
		return
	}
	picture := run(t, tab, "take a picture", chromedp.FullScreenshot(100))
	if err := os.MkdirAll(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(directory, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

func call[P, R any](t testing.TB, tab *Tab, command cdp.Command[P, R], params P) {
	t.Helper()
	run(t, tab, command.Method, func(ctx context.Context, target *chromedp.Target) (R, error) {
		return cdp.Call(ctx, target, command, params)
	})
}

func run[T any](t testing.TB, tab *Tab, what string, action chromedp.Action[T]) T {
	t.Helper()
	ctx, end := context.WithTimeout(tab.ctx, within)
	defer end()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return value
}
