# ruff: noqa: E501
"""Small pages, each with what is right on it: what the script must tell of the clicks on them.

Working and dead, of the kinds on which tools like this are wrong: feedback that comes and goes, answers that are
no change where one looks, the page's own doings, the visitor's next act. Each page has its thing at `#b`.
"""

from dataclasses import dataclass

#: The verdicts. ANSWERED: each click has a response. DEAD: each click is told dead. RAGE: one rage_click, nothing
#: answered. SILENT: no verdict at all (what can't be seen, and what is no thing to click on).
ANSWERED, DEAD, RAGE, SILENT = "answered", "dead", "rage", "silent"


@dataclass(frozen=True)
class Case:
    """`do`: steps of real input, separated by `;` (see `run`). `right`: the verdict on `#b`, or on each of several
    ids (`"b1: answered, b2: dead"`)."""

    name: str
    right: str
    body: str
    do: str = "click #b"
    head: str = ""

    def expected(self) -> dict[str, str]:
        pairs = self.right.split(", ") if ":" in self.right else [f"b: {self.right}"]
        return {f"#{id}": verdict for id, verdict in (pair.split(": ") for pair in pairs)}


RAGED = "click #b 4 120"
B = "<button id=b style='padding:20px'>Pay now</button>"
WAV = (
    "new Audio('data:audio/wav;base64,UklGRkQDAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YSADAAA"
    + "RERERERERES8vLy8vLy8v" * 50
    + "A==').play().catch(()=>{})"
)
RIPPLE = """<style>.r{position:absolute;inset:0;background:#0002}</style>
<button id=b style="position:relative;padding:20px;overflow:hidden">Pay now</button><p id=out>-</p>
<script>b.addEventListener('pointerdown',()=>{const s=document.createElement('span');s.className='r';b.append(s);
addEventListener('pointerup',()=>{s.classList.add('out');setTimeout(()=>s.remove(),450)},{once:true})})</script>"""

#: What shared/cases holds of answers, in our own words.
KNOWN = (
    Case(
        "plain text in a focusable main",
        "p1: silent, p2: silent",
        "<main id=main tabindex=-1><p id=p1>Plain text.<p id=p2>More of it.</main>",
        "click #p1 4 120; wait 500; click #p2",
    ),
    Case(
        "a sibling with a shadow root draws the answer",
        ANSWERED,
        """<x-bar></x-bar><x-view></x-view><script>
customElements.define('x-view',class extends HTMLElement{constructor(){super();this.attachShadow({mode:'open'}).innerHTML='<p>Page 1'}
set page(n){this.shadowRoot.firstElementChild.textContent='Page '+n}});
customElements.define('x-bar',class extends HTMLElement{constructor(){super();this.n=1;const r=this.attachShadow({mode:'open'});
r.innerHTML='<button>Next</button>';r.firstChild.onclick=()=>document.querySelector('x-view').page=++this.n}})</script>""".replace(
            "<button>", "<button id=b>"
        ),
        "click x-bar 3 400",
    ),
    Case(
        "a closed root answers inside",
        "b: answered or silent",
        """<x-like role=button tabindex=0 id=b></x-like><script>
customElements.define('x-like',class extends HTMLElement{constructor(){super();let n=0;const r=this.attachShadow({mode:'closed'});
r.innerHTML='<style>:host{display:inline-block;padding:20px;cursor:pointer}</style><span>0 likes</span>';
this.addEventListener('click',()=>r.querySelector('span').textContent=++n+' likes')}})</script>""",
        "click #b 4 300",
    ),
    Case(
        "only the label of a week changes",
        ANSWERED,
        """<button id=b>Next week</button> <time id=t datetime=2026-01-05>5 January</time>
<script>let d=5;b.onclick=()=>{d+=7;t.dateTime='2026-01-'+d;t.textContent=d+' January'}</script>""",
        "click #b 5 150",
    ),
    Case("a word is played", ANSWERED, f"<p>one {B}<script>b.onclick=()=>{WAV}</script>"),
    Case(
        "a form's own tools",
        "b1: answered, b3: answered",
        """<form><input id=a value=Main> <input id=z value=12345><p><button id=b1 type=button>Same as billing</button></p>
<input id=c> <input id=d><p><button id=b3 type=reset>Clear</button></p></form>
<script>b1.onclick=()=>{c.value=a.value;d.value=z.value}</script>""",
        "click #b1; wait 600; click #b3",
    ),
    Case(
        "a button fills a field that is no sibling",
        ANSWERED,
        """<div><input type=date id=d><span><button id=b type=button>Today</button></span></div>
<script>let k=1;b.onclick=()=>d.value='2026-03-'+(10+k++)</script>""",
        "click #b 4 200",
    ),
    Case(
        "an outline alone shows what is chosen",
        ANSWERED,
        """<style>div{width:60px;height:60px;font-size:40px;cursor:pointer}.on{outline:3px solid #d60}</style>
<div id=b>♞</div><div>♜</div><script>b.onclick=()=>b.className='on'</script>""",
        "wait 1500; click #b",
    ),
    Case(
        "a password is shown",
        ANSWERED,
        """<p><input id=pw type=password value=secret1> <button id=b type=button>Show</button>
<script>b.onclick=()=>pw.type=pw.type==='text'?'password':'text'</script>""",
    ),
    Case(
        "a loop of frames that one click starts and the next steers",
        "b: answered or silent",  # a page that is starved of frames may show too little of the last one
        """<div style="width:300px;overflow:hidden"><div id=s style="width:900px">one <i style="margin-left:280px">two</i></div></div>
<button id=b>More</button><script>let at=0,to=0,runs=0;const step=()=>{at+=(to-at)*.1;if(Math.abs(to-at)<.2)at=to;
s.style.transform=`translate3d(${at}px,0,0)`;runs=at!==to&&requestAnimationFrame(step)};
b.onclick=()=>{to-=100;runs||=requestAnimationFrame(step)}</script>""",
        "click #b 3 450",
    ),
    Case(
        "a stopwatch that one click starts, and a dead button beside it",
        "go: answered, b: dead",
        """<button id=go>Start</button> <button id=b>Lap</button> <output id=n>0</output>
<script>go.onclick=()=>{go.textContent='Running';setInterval(()=>n.textContent=++k,50)};let k=0</script>""",
        "click #go; wait 700; click #b",
    ),
    Case(
        "a component's switch that keeps its state to itself",
        ANSWERED,
        """<x-switch id=b></x-switch><script>customElements.define('x-switch',class extends HTMLElement{
constructor(){super();this.on=false;this.attachShadow({mode:'open'}).innerHTML=`<style>:host{display:inline-block;width:40px;height:20px;
background:#ccc;cursor:pointer}i{display:block;width:20px;height:20px;background:#333}</style><i></i>`;
this.sheet=new CSSStyleSheet();this.shadowRoot.adoptedStyleSheets=[this.sheet];
this.onclick=()=>{this.on=!this.on;this.sheet.replaceSync(this.on?'i{translate:20px}':'')}}get checked(){return this.on}})</script>""",
    ),
    Case(
        "a component whose getter throws",
        DEAD,
        """<x-odd id=b style="cursor:pointer"><i>Pay now</i></x-odd><script>customElements.define('x-odd',
class extends HTMLElement{get value(){throw Error('not yet')}})</script>""",
    ),
    Case(
        "a disabled component",
        DEAD,
        """<x-off id=b disabled style="display:inline-block;padding:20px"><i>Renew</i></x-off><script>customElements.define('x-off',
class extends HTMLElement{static formAssociated=true})</script>""",
    ),
    Case(
        "a list that is emptied, and its box with it",
        ANSWERED,
        "<button id=b>Clear</button><ul id=u style=margin:0><li>Milk</ul><script>b.onclick=()=>u.replaceChildren()</script>",
    ),
    Case(
        "a timer that takes its time",
        ANSWERED,
        "<button id=b>Sync</button> <small id=n>never</small>"
        "<script>b.onclick=()=>setTimeout(()=>n.textContent='just now',3200)</script>",
        "click #b; wait 3500",
    ),
    Case(
        "a timer that brings nothing",
        DEAD,
        "<button id=b>Sync</button><script>b.onclick=()=>setTimeout(()=>0,3200)</script>",
        "click #b; wait 3500",
    ),
    Case(
        "four clicks that set timers of an observer",
        RAGE,
        B + "<script>b.onclick=()=>setTimeout(()=>0,5000)</script>",
        RAGED,
    ),
    Case(
        "a cursor that waits, and nothing else",
        DEAD,
        B
        + "<script>b.onclick=()=>{const s=document.body.style;s.cursor='wait';setTimeout(()=>s.cursor='',700)}</script>",
    ),
    Case(
        "the browser's own date picker",
        ANSWERED,
        "<div><input type=date id=d></div><button id=b type=button onclick='d.showPicker()'>cal</button>",
    ),
    Case(
        "menus held open by the focus",
        "b1: answered, b2: answered",
        """<style>.m{display:inline-block;vertical-align:top;margin:20px}.m ul{display:none}.m:focus-within ul{display:block}</style>
<div class=m><button id=b1 type=button>Products</button><ul tabindex=0><li>One<li>Two</ul></div>
<div class=m><button id=b2 type=button>Account</button><ul tabindex=0><li>Profile<li>Sign out</ul></div>""",
        "click #b1; wait 1500; click #b2",
    ),
    Case(
        "a rule added to a sheet",
        ANSWERED,
        f"""{B}<p>text<script>let s=1;b.onclick=()=>{{const sheet=new CSSStyleSheet();sheet.replaceSync('p{{font-size:'+(s+=.3)+'em}}');document.adoptedStyleSheets=[sheet]}}</script>""",
        "click #b 2 300",
    ),
    Case(
        "a toolbar beside a canvas",
        "b: answered or silent",
        """<button id=b style=padding:20px>+</button><p><canvas id=c width=300 height=200></canvas>
<script>let z=1;b.onclick=()=>{z*=1.2;const g=c.getContext('2d');g.clearRect(0,0,300,200);g.fillRect(0,0,20*z,20*z)}</script>""",
        "click #b 5 150",
    ),
    Case(
        "a menu opens on mousedown by the button's own attribute",
        ANSWERED,
        """<style>#b+ul{display:none}#b[aria-expanded=true]+ul{display:block}</style>
<button id=b aria-expanded=false onmousedown="this.setAttribute('aria-expanded',this.ariaExpanded!=='true')">Project</button><ul><li>One<li>Two</ul>""",
    ),
    Case(
        "toggles as the button goes down, and up",
        "b1: answered, b2: answered",
        """<button id=b1 aria-pressed=false>Bold</button> <button id=b2 aria-pressed=false>Italic</button>
<script>b1.onmousedown=()=>b1.setAttribute('aria-pressed',b1.ariaPressed!=='true');b2.onpointerup=()=>b2.setAttribute('aria-pressed',b2.ariaPressed!=='true')</script>""",
        "click #b1; wait 700; click #b2",
    ),
    Case(
        "a listener that came before ours, by key",
        ANSWERED,
        "<button id=b>Go</button> <p id=said>0</p>",
        "focus #b; key Enter",
        "<script>addEventListener('click',()=>{said.textContent=+said.textContent+1},true)</script>",
    ),
    Case(
        "a page that takes its time",
        SILENT,
        f"{B}<script>b.onclick=()=>{{location.href='/never'}}</script>",
        "click #b; wait 3500",
    ),
    Case(
        "the route one is on",
        # debatable: told as dead of kind `current`, which is mild and never a cause for help by itself
        DEAD,
        "<nav><a id=b href=/case>Home</a></nav><script>b.onclick=e=>{e.preventDefault();history.pushState({},'',location.href)}</script>",
        "click #b 2 400",
    ),
    Case("a ripple over a dead button", RAGE, RIPPLE, "click #b 5 130"),
    Case(
        "a mark of being pressed",
        RAGE,
        B
        + "<script>b.addEventListener('pointerdown',()=>{b.dataset.pressed='';b.dataset.focused=''});b.addEventListener('click',()=>{delete b.dataset.pressed})</script>",
        RAGED,
    ),
    Case(
        "a tooltip that goes with the pointer",
        DEAD,
        """<div style=padding:60px><button id=b style=padding:20px>*</button></div><p id=far>far</p><script>let t;b.onmouseenter=()=>{t=document.createElement('div');t.textContent='Settings';document.body.append(t)};b.onmouseleave=()=>t?.remove()</script>""",
        "click #b; wait 500; move #far",
    ),
    Case(
        "a click into the next field",
        DEAD,
        "<input id=f value=Jane><p><button id=b type=button style=padding:20px>Pay now</button></p>",
        "click #b; wait 1000; click #f",
    ),
    Case(
        "words selected elsewhere",
        DEAD,
        B + "<p id=p style=font-size:24px>Some words to select here</p>",
        "click #b; wait 900; double #p",
    ),
    Case(
        "the page polls",
        RAGE,
        B + "<script>setInterval(()=>fetch('/api/quick'),400)</script>",
        "wait 900; " + RAGED,
    ),
    Case(
        "a countdown",
        RAGE,
        "<p>Sale ends in <span id=t>99</span></p>"
        + B
        + "<script>setInterval(()=>t.textContent--,250)</script>",
        "wait 1200; " + RAGED,
    ),
    Case("a dead link of the old kind", RAGE, "<a id=b href='javascript:void(0)'>Apply coupon</a>", RAGED),
    Case(
        "a double click selects a dead div",
        RAGE,
        "<div id=b role=button tabindex=0 style='cursor:pointer;width:9em'>Pay now</div>",
        RAGED,
    ),
    Case(
        "a double click selects a dead hand",
        RAGE,
        "<div id=b style='cursor:pointer;width:9em'>Open basket</div>",
        RAGED,
    ),
    Case("a link without an address", RAGE, "<a id=b>Details</a>", RAGED),
    Case("a dead list entry", RAGE, "<ul><li id=b style=cursor:pointer>Settings</ul>", RAGED),
    Case("a handler that does nothing", RAGE, "<span id=b onclick='void 0'>Pay now</span>", RAGED),
    Case(
        "a summary that does not unfold",
        RAGE,
        "<details onclick='return false'><summary id=b>More</summary>text</details>",
        RAGED,
    ),
    Case("a box that refuses its tick", RAGE, "<input type=checkbox id=b onclick='return false'>", RAGED),
    Case(
        "a box whose tick is taken back",
        RAGE,
        "<label><input type=checkbox id=b> Yes</label><script>b.addEventListener('click',()=>{const was=!b.checked;setTimeout(()=>{b.checked=was})})</script>",
        RAGED,
    ),
    Case("a label of nothing", DEAD, "<label id=b for=nowhere>Remember me</label>"),
    Case("ten clicks are one burst", RAGE, B, "click #b 10 250"),
    Case(
        "an alert that is read",
        "b: answered soon",
        "<button id=b onclick=\"alert('So it works')\">Help</button>",
        "dialog 2500; click #b",
    ),
    # Whose doing it is, and what was meant
    Case(
        "a scheduler like React's draws the page's own clock",
        RAGE,
        "<p id=t>0</p>"
        + B
        + "<script>const{port1,port2}=new MessageChannel;port1.onmessage=()=>t.textContent++;"
        "setInterval(()=>port2.postMessage(0),300)</script>",
        "wait 1300; " + RAGED,
    ),
    Case(
        "a scheduler like React's draws what the click asked for",
        ANSWERED,
        "<p id=t>0</p>"
        + B
        + "<script>const{port1,port2}=new MessageChannel;port1.onmessage=()=>t.textContent++;"
        "b.onclick=()=>setTimeout(()=>port2.postMessage(0),400)</script>",
    ),
    Case(
        "a container for ripples that stays",
        RAGE,
        "<button id=b style='padding:20px;position:relative'>Pay now</button><script>b.addEventListener('pointerdown',"
        "()=>{const s=document.createElement('span');s.style='position:absolute;inset:0';b.append(s)},{once:true})</script>",
        RAGED,
    ),
    Case(
        "a disabled button that lets clicks through",
        RAGE,
        "<p><button id=b disabled style='padding:20px;pointer-events:none'>Pay now</button></p>",
        RAGED,
    ),
    Case(
        "a button under an empty layer",
        RAGE,
        "<div style='position:relative;display:inline-block'><button id=b style=padding:20px onclick='this.textContent=1'>"
        "Pay now</button><i style='position:absolute;inset:0'></i></div>",
        RAGED,
    ),
    Case(
        "a popover with the role of a tooltip",
        ANSWERED,
        B
        + "<script>b.onclick=()=>setTimeout(()=>{const d=document.createElement('div');d.className='popover';"
        "d.setAttribute('role','tooltip');d.textContent='With breakfast';document.body.append(d)})</script>",
    ),
    Case(
        "a star that hovering has lit",
        ANSWERED,
        "<div id=b role=radio aria-checked=false tabindex=0 style='padding:20px;cursor:pointer'>Three</div>"
        "<script>b.onmouseenter=b.onclick=()=>b.setAttribute('aria-checked',true)</script>",
    ),
    Case(
        "a stepper at its end",
        # nothing says that it is one: a dead click, which alone is never a cause for help
        DEAD,
        "<button id=b style=padding:20px>-</button><input id=n value=0>"
        "<script>b.onclick=()=>n.value=Math.max(0,n.value-1)</script>",
    ),
    Case(
        "one of two steppers at its end",
        DEAD,
        "<button id=b style=padding:20px>«</button><b id=n>0</b><button style=padding:20px onclick=n.textContent++>»</button>"
        "<script>b.onclick=()=>n.textContent=Math.max(0,n.textContent-1)</script>",
    ),
)
