#include "tests/support/cluster_process.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "config/certificates.hpp"
#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem::test {

std::string quick_cluster_config(unsigned gone_after_ms) {
  return "\n[cluster]\nheartbeat = \"100ms\"\nsuspect_after = \"" +
         std::to_string(gone_after_ms / 2) + "ms\"\ngone_after = \"" +
         std::to_string(gone_after_ms) + "ms\"\n";
}

cluster_process::cluster_process(const std::filesystem::path& bin, std::size_t nodes)
    : addresses_(nodes) {
  auto check = [](const auto& result) {
    if (!result) throw std::runtime_error("certificates: " + message_of(result.error()));
  };
  if (auto err = found_authority(authority_.path(), "tandem"))
    throw std::runtime_error("authority: " + message_of(err));
  check(issue_certificate(authority_.path(),
                          {.kind = certificate_kind::client, .name = "test", .hosts = {}},
                          authority_.path() / "client"));
  for (std::size_t i = 0; i < nodes; ++i) {
    nodes_.push_back(std::make_unique<node_process>(bin));
    check(issue_certificate(authority_.path(),
                            {.kind = certificate_kind::node, .name = name(i), .hosts = {}},
                            nodes_[i]->tls_dir()));
  }
}

void cluster_process::start(std::size_t node, std::string_view config, std::string address) {
  addresses_[node] = std::move(address);
  std::vector<std::string> arguments{"--name", name(node), "--listen", addresses_[node]};
  std::string join;
  for (std::size_t i = 0; i < size(); ++i)
    if (i != node && !addresses_[i].empty()) join += (join.empty() ? "" : ",") + addresses_[i];
  if (!join.empty()) arguments.insert(arguments.end(), {"--join", join});
  nodes_[node]->start(config, std::move(arguments));
}

client_options cluster_process::options(std::size_t node) const {
  const auto& where = addresses_[node];
  auto colon = where.rfind(':');
  client_options options;
  options.host = where.substr(0, colon);
  options.port = static_cast<std::uint16_t>(std::stoul(where.substr(colon + 1)));
  auto folder = authority_.path() / "client";
  options.tls = {
      .certificate = folder / "client.pem", .key = folder / "client.key", .ca = folder / "ca.pem"};
  return options;
}

client cluster_process::connect(std::size_t node) const {
  auto made = client::connect(options(node));
  if (!made) throw std::runtime_error("connect: " + message_of(made.error()));
  return std::move(*made);
}

std::string cluster_process::log() const {
  std::string all;
  for (std::size_t i = 0; i < size(); ++i)
    all += "--- " + name(i) + " (" + nodes_[i]->folder().string() + ")\n" + nodes_[i]->log();
  return all;
}

seen_node look_at(const tmsg::topo& topology, std::string_view node) {
  auto reader = topology.read();
  for (auto each : reader->getNodes()) {
    if (view(each.getName()) != node) continue;
    seen_node seen{.state = {},
                   .address = std::string{view(each.getAddress())},
                   .answered = each.getActors().size() > 0};
    switch (each.getMember().getState()) {
      case schema::MemberState::ALIVE:
        seen.state = each.getMember().getDraining() ? "draining" : "alive";
        break;
      case schema::MemberState::SUSPECT:
        seen.state = "suspect";
        break;
      case schema::MemberState::GONE:
        seen.state = "gone";
        break;
      case schema::MemberState::LEFT:
        seen.state = "left";
        break;
      default:
        seen.state = "unknown";
    }
    return seen;
  }
  return {};
}

bool sees_all(client& of, const std::vector<std::string>& nodes) {
  auto topology = of.topology();
  if (!topology) return false;
  return std::all_of(nodes.begin(), nodes.end(), [&](const std::string& each) {
    auto seen = look_at(*topology, each);
    return seen.state == "alive" && seen.answered;
  });
}

}  // namespace tandem::test
