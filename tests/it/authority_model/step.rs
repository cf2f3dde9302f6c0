//! The steps of a history, and how they are drawn.
//!
//! A step names a user, a code or a grant by a number that is taken modulo their count, so that
//! every part of a history is a history: proptest can shorten it. The numbers are small, so that it
//! tries few of them.

use proptest::prelude::*;

use super::oracle::{
    Asserted, DOMAINS, NAMES, Name, NameId, PROVIDERS, Provider, Seconds, Settings, Tenant, Trust,
};

/// A browser: 0 or 1.
pub(super) type BrowserIndex = usize;

/// One step of a history.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Time passes.
    Wait(Seconds),
    /// `PUT …/domains/{domain}`, without or with the word of the operator.
    Claim { tenant: Tenant, domain: Name, by_operator: bool },
    /// The TXT record of a claim is published or removed.
    Record { tenant: Tenant, domain: Name, is_published: bool },
    /// `POST …/domains/{domain}/check`.
    Check { tenant: Tenant, domain: Name },
    /// `DELETE …/domains/{domain}`.
    DeleteClaim { tenant: Tenant, domain: Name },
    /// `PUT …/connections/{name}`; without a trust the known one stays.
    Connect { tenant: Tenant, name: Name, settings: Settings, trust: Option<Trust> },
    /// `DELETE …/connections/{name}`.
    Disconnect { tenant: Tenant, name: Name },
    /// `POST /Users`.
    Provision { tenant: Tenant, person: Person },
    /// `PUT /Users/{id}`.
    Update { user: usize, person: Person, active: bool },
    /// `DELETE /Users/{id}`.
    Remove { user: usize },
    /// `DELETE …/users/{user}/links/{connection}`.
    Unlink { user: usize, name: Name },
    /// An app sends a browser to us, or a person opens the page of a connection; ends at the
    /// identity provider. With a `count` above 1 a page does so several times before the first
    /// answer.
    Begin { browser: BrowserIndex, at: Entry, choice: usize, count: usize },
    /// The same once, and the identity provider that was asked answers at once. With `redeems` the
    /// app redeems the code that it gets.
    SignIn { browser: BrowserIndex, at: Entry, choice: usize, asserted: Asserted, redeems: bool },
    /// An identity provider answers one of the sign-ins under way, the newest for 0: the provider
    /// that was asked, or another.
    Answer { back: usize, other: Option<Provider>, asserted: Asserted },
    /// An identity provider signs a person in that did not ask.
    Unasked { browser: BrowserIndex, name: Name, provider: Provider, asserted: Asserted },
    /// A person presses the button of a page that asks.
    Agree { page: usize },
    /// An app asks for a code without a page.
    Authorize { browser: BrowserIndex, domain: Option<Name> },
    /// An app redeems a code that it has not redeemed yet, or one that it has: the newest for 0.
    Redeem { back: usize, is_used: bool },
    /// An app redeems a refresh token of a grant, the newest grant for 0: its newest token for 0, the
    /// one before for 1 and so on.
    Refresh { grant: usize, back: usize },
    /// `POST …/end-sessions`.
    EndSessions(Whose),
}

/// The start of a sign-in.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    /// `/oauth2/authorize` with `domain`.
    Domain(Name),
    /// `/oauth2/authorize` with the external id of a tenant, which looks like an id of ours.
    Tenant(Tenant),
    /// `/saml/sso/{name}`.
    Connection(Name),
}

/// The sessions that are ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose {
    Tenant(Tenant),
    Connection(Name),
    User(usize),
}

/// The attributes of a user that a directory provisions.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) user_name: Name,
    pub(super) external_id: Option<Name>,
    pub(super) address: Option<Name>,
}

/// Names and addresses that users have. The last two fold onto the one before.
const USER_NAMES: [Name; 9] = [
    "ada@acme.com",
    "ceo@acme.com",
    "ada@acme.de",
    "con@contractors.com",
    "eve@evil.example",
    "id-1",
    "kim@acme.com",
    "\u{212a}im@acme.com",
    "\u{ff4b}im@acme.com",
];

/// Addresses that providers assert, too: in other letters, of no domain here, and odd.
const OTHER_ADDRESSES: [Name; 4] =
    ["Ada@ACME.com", "ada@acme.onmicrosoft.com", "ceo@acme.com@evil.example", "x@acme.com"];

const IDENTIFIERS: [Name; 3] = ["id-1", "id-2", "ada@acme.com"];

fn one_of(names: &'static [Name]) -> impl Strategy<Value = Name> + Clone {
    prop::sample::select(names)
}

/// A number of something whose count is not known: of up to six, each is as likely.
fn number() -> impl Strategy<Value = usize> {
    0..60_usize
}

/// A number that counts back from the newest: what is old has mostly ended.
fn number_back() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..3_usize, 1 => number()]
}

fn tenant() -> impl Strategy<Value = Tenant> {
    prop_oneof![3 => Just(0), 1 => Just(1)]
}

fn domain() -> impl Strategy<Value = Name> {
    prop_oneof![6 => Just("acme.com"), 4 => one_of(&DOMAINS)]
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![3 => Just("acme.com"), 2 => one_of(&NAMES)]
}

fn provider() -> impl Strategy<Value = Provider> {
    prop_oneof![3 => Just(0), 2 => 0..PROVIDERS.len()]
}

fn address() -> impl Strategy<Value = Name> {
    prop_oneof![3 => Just("ada@acme.com"), 4 => one_of(&USER_NAMES), 2 => one_of(&OTHER_ADDRESSES)]
}

fn person() -> impl Strategy<Value = Person> {
    let external_id = prop::option::weighted(0.4, one_of(&IDENTIFIERS));
    let address = prop::option::weighted(0.5, one_of(&USER_NAMES));
    (one_of(&USER_NAMES), external_id, address)
        .prop_map(|(user_name, external_id, address)| Person { user_name, external_id, address })
}

fn asserted() -> impl Strategy<Value = Asserted> {
    prop_oneof![1 => usually_asserted(), 2 => anything_asserted()]
}

/// The usual assertion about the first user, so that some sessions live long.
fn usually_asserted() -> impl Strategy<Value = Asserted> {
    let name_id = [NameId::Persistent("id-1"), NameId::Address("ada@acme.com")];
    prop::sample::select(name_id.to_vec()).prop_map(|name_id| Asserted {
        name_id,
        subject_id: None,
        mail: Some("ada@acme.com"),
        ends_in: None,
    })
}

fn anything_asserted() -> impl Strategy<Value = Asserted> {
    let name_id = prop_oneof![
        3 => one_of(&IDENTIFIERS).prop_map(NameId::Persistent),
        3 => address().prop_map(NameId::Address),
        1 => Just(NameId::Transient),
    ];
    let subject_id = prop::option::weighted(0.2, one_of(&IDENTIFIERS));
    let mail = prop::option::weighted(0.8, address());
    let ends_in = prop::option::weighted(0.2, prop::sample::select(&[-60, 0, 45, 600][..]));
    (name_id, subject_id, mail, ends_in).prop_map(|(name_id, subject_id, mail, ends_in)| Asserted {
        name_id,
        subject_id,
        mail,
        ends_in,
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let domains = prop::option::weighted(0.5, prop::collection::vec(domain(), 1..4));
    let enabled = prop::bool::weighted(0.85);
    (enabled, any::<bool>(), prop::bool::weighted(0.6), domains).prop_map(
        |(enabled, jit, allow_idp_initiated, domains)| Settings {
            enabled,
            jit,
            allow_idp_initiated,
            domains,
        },
    )
}

fn trust() -> impl Strategy<Value = Trust> {
    prop_oneof![3 => provider().prop_map(Trust::One), 1 => Just(Trust::Federation)]
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        4 => domain().prop_map(Entry::Domain),
        1 => tenant().prop_map(Entry::Tenant),
        2 => name().prop_map(Entry::Connection),
    ]
}

fn whose() -> impl Strategy<Value = Whose> {
    prop_oneof![
        tenant().prop_map(Whose::Tenant),
        name().prop_map(Whose::Connection),
        number().prop_map(Whose::User),
    ]
}

fn about_domains() -> impl Strategy<Value = Step> {
    let claim = (tenant(), domain(), prop::bool::weighted(0.6));
    prop_oneof![
        4 => claim.prop_map(|(tenant, domain, by_operator)| Step::Claim { tenant, domain, by_operator }),
        2 => (tenant(), domain(), prop::bool::weighted(0.7)).prop_map(
            |(tenant, domain, is_published)| Step::Record { tenant, domain, is_published }
        ),
        3 => (tenant(), domain()).prop_map(|(tenant, domain)| Step::Check { tenant, domain }),
        1 => (tenant(), domain()).prop_map(|(tenant, domain)| Step::DeleteClaim { tenant, domain }),
    ]
}

fn about_connections() -> impl Strategy<Value = Step> {
    let connect = (tenant(), name(), settings(), prop::option::weighted(0.6, trust()));
    prop_oneof![
        5 => connect.prop_map(|(tenant, name, settings, trust)| {
            Step::Connect { tenant, name, settings, trust }
        }),
        1 => (tenant(), name()).prop_map(|(tenant, name)| Step::Disconnect { tenant, name }),
    ]
}

fn about_users() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (tenant(), person()).prop_map(|(tenant, person)| Step::Provision { tenant, person }),
        4 => (number(), person(), prop::bool::weighted(0.7))
            .prop_map(|(user, person, active)| Step::Update { user, person, active }),
        1 => number().prop_map(|user| Step::Remove { user }),
        1 => (number(), name()).prop_map(|(user, name)| Step::Unlink { user, name }),
    ]
}

fn about_sign_ins() -> impl Strategy<Value = Step> {
    let count = prop_oneof![3 => Just(1_usize), 1 => 2..8_usize];
    let back = prop_oneof![3 => 0..10_usize, 1 => number()];
    prop_oneof![
        6 => (0..2_usize, entry(), number(), asserted(), prop::bool::weighted(0.6)).prop_map(
            |(browser, at, choice, asserted, redeems)| {
                Step::SignIn { browser, at, choice, asserted, redeems }
            }
        ),
        3 => (0..2_usize, entry(), number(), count)
            .prop_map(|(browser, at, choice, count)| Step::Begin { browser, at, choice, count }),
        3 => (back, prop::option::weighted(0.2, provider()), asserted())
            .prop_map(|(back, other, asserted)| Step::Answer { back, other, asserted }),
        2 => (0..2_usize, name(), provider(), asserted()).prop_map(
            |(browser, name, provider, asserted)| Step::Unasked { browser, name, provider, asserted }
        ),
        2 => number().prop_map(|page| Step::Agree { page }),
        2 => (0..2_usize, prop::option::of(domain()))
            .prop_map(|(browser, domain)| Step::Authorize { browser, domain }),
    ]
}

fn about_tokens() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (number_back(), prop::bool::weighted(0.1))
            .prop_map(|(back, is_used)| Step::Redeem { back, is_used }),
        7 => (number_back(), prop_oneof![3 => Just(0_usize), 3 => Just(1), 1 => Just(2)])
            .prop_map(|(grant, back)| Step::Refresh { grant, back }),
        1 => whose().prop_map(Step::EndSessions),
    ]
}

/// Times around the ends of what lives short, and a few that outlast everything.
fn wait() -> impl Strategy<Value = Seconds> {
    let short = prop::sample::select(vec![20, 31, 61]);
    let long = prop::sample::select(vec![1, 301, 3_600, 12 * 3_600, 8 * 24 * 3_600]);
    prop_oneof![2 => short, 1 => long]
}

/// One step.
pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => wait().prop_map(Step::Wait),
        4 => about_domains(),
        4 => about_connections(),
        4 => about_users(),
        14 => about_sign_ins(),
        8 => about_tokens(),
    ]
}
