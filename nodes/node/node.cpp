#include "nodes/node/node.hpp"

#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spdlog/spdlog.h>
#include <caf/actor_system.hpp>
#include <caf/openssl/publish.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include "actors/clock.hpp"
#include "actors/etcd/etcd_client.hpp"
#include "actors/front/book_file.hpp"
#include "actors/http/http_loop.hpp"
#include "actors/system/caf_settings.hpp"
#include "actors/trace/tracer.hpp"
#include "config/certificates.hpp"
#include "config/private_file.hpp"
#include "nodes/node/certificate_watch.hpp"
#include "nodes/node/hosting.hpp"
#include "nodes/node/node_replication.hpp"
#include "nodes/node/web_parts.hpp"
#include "nodes/node/wiring.hpp"
#include "nodes/version.hpp"
#include "storage/journal.hpp"

namespace tandem {
namespace {

std::uint64_t random_incarnation() {
  std::random_device device;
  return (std::uint64_t{device()} << 32 | device()) & 0x7FFFFFFF;
}

/// When the data folder's journal was made: as the book knows it, else as its file tells.
std::uint64_t birth_of(const journal_book& book, const std::filesystem::path& id_file,
                       std::uint64_t journal) {
  for (const auto& known : book.journals())
    if (known.journal == journal) return known.birth_ms;
  struct stat of {};
  if (::stat(id_file.c_str(), &of) != 0) return unix_ms();
  return static_cast<std::uint64_t>(of.st_mtim.tv_sec) * 1000 +
         static_cast<std::uint64_t>(of.st_mtim.tv_nsec) / 1'000'000;
}

/// Ends the process when the actor system cannot: CAF waits for every connection to be flushed,
/// also for one whose other side has been cut off in its handshake.
class shutdown_guard {
 public:
  explicit shutdown_guard(int exit_code)
      : thread_{[this, exit_code] {
          std::unique_lock lock{mutex_};
          if (done_.wait_for(lock, limit, [this] { return is_done_; })) return;
          spdlog::warn("stopped, though connections did not end limit_s={}", limit.count());
          spdlog::shutdown();
          std::_Exit(exit_code);
        }} {}
  shutdown_guard(const shutdown_guard&) = delete;
  shutdown_guard& operator=(const shutdown_guard&) = delete;
  ~shutdown_guard() {
    {
      std::lock_guard lock{mutex_};
      is_done_ = true;
    }
    done_.notify_one();
    thread_.join();
  }

 private:
  static constexpr std::chrono::seconds limit{1};

  std::mutex mutex_;
  std::condition_variable done_;
  bool is_done_ = false;
  std::thread thread_;
};

/// Where others reach whoever listens there: "any address" is the host by its name.
std::string reachable(const std::string& host, std::uint16_t port) {
  auto any = host == "0.0.0.0" || host == "::";
  return to_string(listen_address{any ? default_node_name() : host, port});
}

/// The host of what others are told.
std::string advertised_host(const node_config& config) {
  if (!config.cluster.advertise.empty())
    if (auto at = parse_address(config.cluster.advertise)) return at->host;
  auto any = config.listen.host == "0.0.0.0" || config.listen.host == "::";
  return any ? default_node_name() : config.listen.host;
}

/// At the end, for what a collector has not got yet.
constexpr std::chrono::seconds last_spans_wait{2};

backend_services engine_services(const node_config& config) {
  // Without engines that speak it the loop is still needed for those that are added later; its
  // thread sleeps.
  auto http = std::make_shared<http_loop>();
  return {.http = http,
          .data_folder = config.data,
          .trace = tracer::make(config.traces, {config.name, version}, http)};
}

/// A journal without copies. One that had some has an epoch in its log: what is written without
/// them would be missing in them.
caf::expected<std::shared_ptr<storage::journal>> open_alone(
    const storage::journal_options& options) {
  auto opened = storage::journal::open(options);
  if (!opened) return std::move(opened.error());
  if ((*opened)->position().epoch > 0)
    return make_error(errc::invalid_argument,
                      "the journal in " + options.folder.string() +
                          " has copies on other nodes, and replication.copies = 1 would go on "
                          "without them; write the number that it had");
  return std::shared_ptr<storage::journal>{std::move(*opened)};
}

caf::expected<tls_files> certificates(const node_config& config) {
  auto hosts = config.tls.hosts;
  hosts.push_back(config.listen.host);
  auto days = std::chrono::duration_cast<certificate_days>(config.tls.lifetime);
  return ensure_certificates(config.tls.folder, config.name, hosts, days);
}

}  // namespace

struct node::state {
  node_config config;
  std::shared_ptr<storage::journal> store;
  std::unique_ptr<system_config> settings;
  std::unique_ptr<caf::actor_system> system;
  node_parts parts;
  supervisor_inside supervisor;
  std::unique_ptr<web_server> web;
  std::shared_ptr<caf::error> stopped_by = std::make_shared<caf::error>();
  int stopped_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  bool network = true;
  std::string address;
  /// URL of its gateway; empty: it has none.
  std::string http;

  ~state() {
    std::error_code ignored;
    if (!address.empty()) std::filesystem::remove(address_file(), ignored);
    ::close(stopped_fd);
  }

  /// Where the CLI on this machine looks for the node of this data folder.
  [[nodiscard]] std::filesystem::path address_file() const { return config.data / "node.address"; }

  [[nodiscard]] caf::error open_journal(const storage::journal_options& options);
  [[nodiscard]] caf::error describe(const planner_start& start);
  /// It does not come back soon: others need not wait for its lease to end.
  [[nodiscard]] bool has_drained() const;
  caf::error spawn(const planner_start& start);
  caf::error publish();
  /// HTTP, where the node has the role.
  caf::error open_door();
};

caf::error node::state::open_journal(const storage::journal_options& options) {
  if (config.replication.copies > 1) {
    auto shared = node_replication::open(config, parts.incarnation, parts.services.http);
    if (!shared) return std::move(shared.error());
    parts.replication = std::move(*shared);
    parts.storage = options;
  }
  auto opened = parts.replication ? parts.replication->open_home(options) : open_alone(options);
  if (!opened) return std::move(opened.error());
  store = std::move(*opened);
  return caf::none;
}

caf::error node::state::describe(const planner_start& start) {
  auto file = book_file(config.data);
  auto loaded = load_book(file);
  if (!loaded) return std::move(loaded.error());
  if (!loaded->remark.empty()) spdlog::warn("known journals remark=\"{}\"", loaded->remark);
  journal_birth own{
      .birth_ms = birth_of(loaded->book, config.data / "journal" / "journal", store->id().value),
      .journal = store->id().value};
  for (const auto& known : loaded->book.journals()) parts.births[known.journal] = known.birth_ms;
  auto plans = config.has_role("planner");
  parts.front = {.node = config.name,
                 .address = to_string(config.listen),
                 .own = plans ? own : journal_birth{},
                 .own_is_new = start.next_number == 1,
                 .book = std::make_shared<journal_book>(std::move(loaded->book)),
                 .file = file};
  own_member::facts facts{.name = config.name,
                          .incarnation = parts.incarnation,
                          .version = version,
                          .roles = config.roles,
                          .started_at_ms = unix_ms()};
  if (plans) facts.journals.emplace_back(own.journal, own.birth_ms);
  facts.certificate_ends_at_ms =
      certificate_ends_at_ms(shown_certificates(config, parts.tls.has_value()));
  parts.self = std::make_shared<own_member>(std::move(facts));
  return caf::none;
}

bool node::state::has_drained() const {
  auto drained = false;
  if (parts.self)
    parts.self->update([&drained](own_member::facts& facts) { drained = facts.draining; });
  return drained;
}

caf::error node::state::spawn(const planner_start& start) {
  if (auto err = describe(start)) return err;
  auto children = wire_node(parts, store, start);
  node_description description{.name = config.name,
                               .incarnation = parts.incarnation,
                               .journal = store->id(),
                               .address = to_string(config.listen),
                               .version = version,
                               .roles = config.roles};
  node_services services{
      .planner = [known = parts.actors] { return caf::actor_cast<planner_actor>(known->front); },
      .mesh = [known = parts.actors] { return caf::actor_cast<mesh_actor>(known->mesh); },
      .on_drain =
          [known = parts.actors, self = parts.self] {
            auto changed = self->update([](own_member::facts& facts) { facts.draining = true; });
            caf::anon_send(known->front, drain_atom_v, true);
            if (known->mesh) caf::anon_send(known->mesh, node_atom_v, changed);
          },
      .alarms = parts.alarms};
  supervisor = system->spawn(supervisor_behavior, config.supervisor, std::move(description),
                             std::move(children), std::move(services));
  parts.actors->supervisor = supervisor;
  supervisor->attach_functor([fd = stopped_fd, why = stopped_by](const caf::error& reason) {
    *why = reason;
    std::uint64_t one = 1;
    // The counter cannot overflow: an actor stops once.
    [[maybe_unused]] auto written = ::write(fd, &one, sizeof one);
  });
  caf::scoped_actor self{*system};
  caf::error failed;
  self->request(supervisor, std::chrono::seconds{90}, start_atom_v)
      .receive([](caf::ok_atom) {}, [&](const caf::error& err) { failed = err; });
  if (!failed) return caf::none;
  // An engine that cannot be opened is tried again by its supervisor until it gives up; its own
  // reason is better.
  if (code_of(failed) == errc::unavailable) {
    self->wait_for(supervisor);
    // Both are told of its end, in an order of CAF's choosing.
    pollfd told{.fd = stopped_fd, .events = POLLIN, .revents = 0};
    ::poll(&told, 1, 1000);
    if (*stopped_by) return *stopped_by;
  }
  return failed;
}

caf::error node::state::open_door() {
  if (!parts.gateway) return caf::none;
  caf::anon_send(parts.actors->gateway, wire_atom_v, caf::actor_cast<supervisor_actor>(supervisor));
  auto opened = open_web(parts);
  if (!opened) return std::move(opened.error());
  web = std::move(*opened);
  http = web_address(config, web->port());
  caf::anon_send(supervisor, wire_atom_v, address, http);
  return caf::none;
}

caf::error node::state::publish() {
  auto host = config.listen.host;
  auto port = caf::openssl::publish(caf::actor_cast<supervisor_actor>(supervisor),
                                    config.listen.port, host.c_str(), true);
  if (!port)
    return make_error(errc::unavailable, "cannot listen on " + to_string(config.listen) + " (" +
                                             caf::to_string(port.error()) +
                                             "); is the port in use? Choose another with --listen");
  address = to_string(listen_address{host, *port});
  caf::anon_send(supervisor, wire_atom_v, address);
  if (auto err = open_door()) return err;
  auto seen_at =
      config.cluster.advertise.empty() ? reachable(host, *port) : config.cluster.advertise;
  auto& mesh = parts.actors->mesh;
  caf::anon_send(mesh, wire_atom_v, handles_of(*parts.actors));
  caf::anon_send(mesh, wire_atom_v, caf::actor_cast<caf::actor>(supervisor));
  caf::anon_send(mesh, node_atom_v,
                 parts.self->update([&](own_member::facts& facts) { facts.address = seen_at; }));
  std::ofstream{address_file()} << address << '\n';
  return caf::none;
}

node::node(std::unique_ptr<state> state) : state_{std::move(state)} {}

caf::expected<std::unique_ptr<node>> node::start(const node_config& config,
                                                 const node_environment& environment) {
  if (auto err = make_private_folder(config.data)) return err;
  auto made = std::make_unique<state>();
  made->config = config;
  made->network = environment.network;
  storage::journal_options options{.folder = config.data / "journal",
                                   .inline_bytes_max = config.journal.inline_bytes_max,
                                   .memory_bytes_max = config.journal.memory_bytes_max,
                                   .file_system = environment.file_system};
  made->parts.config = config;
  made->parts.incarnation = random_incarnation();
  made->parts.services = engine_services(config);
  if (config.routing.embeddings || config.executor.cache.embeddings) {
    auto client = embedding_client::open(config.embeddings, made->parts.services.http);
    if (!client) return std::move(client.error());
    made->parts.embeddings = std::move(*client);
  }
  if (!config.etcd.endpoints.empty()) {
    auto etcd = etcd_client::open(config.etcd, made->parts.services.http);
    if (!etcd) return std::move(etcd.error());
    made->parts.etcd = std::move(*etcd);
  }
  made->parts.host = advertised_host(config);
  if (!config.http.listen.empty()) {
    auto keys = key_office::open(config.data, unix_ms());
    if (!keys) return std::move(keys.error());
    if (!(*keys)->remark().empty()) spdlog::warn("API keys remark=\"{}\"", (*keys)->remark());
    made->parts.keys = std::move(*keys);
    made->parts.gateway = std::make_shared<gateway_box>();
  }
  if (auto err = made->open_journal(options)) return err;
  auto start = read_start(*made->store, config);
  if (!start) return std::move(start.error());
  system_settings settings{.threads = config.threads};
  if (environment.network) {
    auto files = certificates(config);
    if (!files) return std::move(files.error());
    settings.network = *files;
    made->parts.tls = *files;
  }
  auto prepared = system_config::make(settings);
  if (!prepared) return std::move(prepared.error());
  made->settings = std::move(*prepared);
  made->settings->add_message_types<caf::id_block::tandem_handles>();
  made->system = std::make_unique<caf::actor_system>(*made->settings);
  auto failed = made->spawn(*start);
  if (!failed && environment.network) failed = made->publish();
  std::unique_ptr<node> result{new node{std::move(made)}};
  if (failed) {
    result->stop();
    return failed;
  }
  return result;
}

node::~node() {
  if (state_) stop();
}

caf::error node::stop() {
  if (!state_->supervisor) return caf::none;
  // Before those who would answer.
  state_->web.reset();
  if (state_->parts.gateway) state_->parts.gateway->set({});
  caf::anon_send(state_->supervisor, stop_atom_v);
  {
    caf::scoped_actor self{*state_->system};
    self->wait_for(state_->supervisor);
  }
  state_->supervisor = nullptr;
  *state_->parts.actors = {};
  {
    // Everything durable is so by now. A connection that cannot be ended must not keep the process.
    std::optional<shutdown_guard> guard;
    const auto& why = *state_->stopped_by;
    auto failed = why && why != caf::exit_reason::normal;
    if (state_->network) guard.emplace(failed ? EXIT_FAILURE : EXIT_SUCCESS);
    state_->system.reset();
  }
  state_->store.reset();
  if (const auto& traces = state_->parts.services.trace) traces->flush(last_spans_wait);
  if (state_->parts.replication && state_->has_drained()) state_->parts.replication->release();
  return *state_->stopped_by;
}

const std::string& node::address() const {
  return state_->address;
}
const std::string& node::http() const {
  return state_->http;
}
journal_id node::journal() const {
  return state_->store->id();
}
caf::actor_system& node::system() {
  return *state_->system;
}
supervisor_actor node::supervisor() const {
  return caf::actor_cast<supervisor_actor>(state_->supervisor);
}
planner_actor node::planner() const {
  return caf::actor_cast<planner_actor>(state_->parts.actors->front);
}
int node::stopped_fd() const {
  return state_->stopped_fd;
}

caf::error node::renew_certificates() const {
  if (!state_->network) return caf::none;
  auto files = certificates(state_->config);
  if (!files) return std::move(files.error());
  const auto& parts = state_->parts;
  auto changed = parts.self->update([&](own_member::facts& facts) {
    facts.certificate_ends_at_ms = certificate_ends_at_ms(shown_certificates(state_->config, true));
  });
  caf::anon_send(parts.actors->mesh, node_atom_v, changed);
  return caf::none;
}

std::string readiness_line(const node_config& config, const node& running) {
  return "tandem-node ready name=" + config.name + " address=" + running.address() +
         " journal=" + to_string(running.journal()) + " pid=" + std::to_string(::getpid()) +
         (running.http().empty() ? std::string{} : " http=" + running.http());
}

}  // namespace tandem
