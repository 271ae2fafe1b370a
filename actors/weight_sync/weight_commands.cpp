#include <algorithm>
#include <cstring>
#include <random>

#include <spdlog/spdlog.h>
#include <caf/send.hpp>

#include "actors/clock.hpp"
#include "actors/weight_sync/weight_names.hpp"
#include "actors/weight_sync/weight_sync.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::uint64_t status_wait_ms_max = 60'000;
constexpr std::size_t additions_max = 4;
constexpr std::size_t followers_max = 256;

void deliver(weight_sync_state::report_promise promise, const tmsg::wtrep& report) {
  promise.deliver(report);
}

void deliver(weight_sync_state::report_promise promise, const caf::error& err) {
  promise.deliver(err);
}

std::string in_quotes(std::string_view name) {
  return "'" + std::string{name} + "'";
}

std::string list_of(const std::vector<weight_version>& versions) {
  std::string out;
  for (const auto& each : versions)
    out += (out.empty() ? "" : ", ") + std::string{view(each.read()->getVersion())};
  return out.empty() ? "none" : out;
}

weight_version make_version(const std::string& model, const std::string& version,
                            const weight_manifest& manifest, std::uint32_t number,
                            const std::string& node) {
  message_builder<schema::WeightVersion> out;
  auto hash = hash_of(encode(manifest));
  out->setModel(model);
  out->setVersion(version);
  out->setNumber(number);
  std::memcpy(out->initManifest(hash.size()).begin(), hash.data(), hash.size());
  out->setSizeBytes(manifest.bytes());
  out->setAddedAtMs(unix_ms());
  out->setAddedBy(node);
  out->setFormat(manifest.format);
  out->setArchitecture(manifest.architecture);
  out->setParameters(manifest.parameters);
  out->setTypes(manifest.types);
  std::memcpy(out->initShapes(manifest.shapes.size()).begin(), manifest.shapes.data(),
              manifest.shapes.size());
  return out.finish();
}

/// Of two versions as their headers say; empty: one may take the other's place.
std::string why_no_fit_of(const weight_version& next, const weight_version& now) {
  auto shape = [](const weight_version& of) {
    auto reader = of.read();
    weight_manifest out{.format = reader->getFormat(),
                        .architecture = std::string{view(reader->getArchitecture())},
                        .parameters = reader->getParameters()};
    if (reader->getShapes().size() == out.shapes.size())
      std::memcpy(out.shapes.data(), reader->getShapes().begin(), out.shapes.size());
    return out;
  };
  return why_no_fit(shape(next), shape(now));
}

}  // namespace

void weight_sync_state::command(pointer self, const tmsg::wtcmd& command, report_promise promise) {
  auto reader = command.read();
  std::string model{view(reader->getModel())};
  std::string version{view(reader->getVersion())};
  switch (reader->getAction()) {
    case schema::WeightAction::LIST:
      if (auto err = refresh()) last_error = message_of(err);
      return deliver(promise, report(model));
    case schema::WeightAction::STATUS: {
      auto wait = std::min(reader->getWaitMs(), status_wait_ms_max);
      if (wait == 0 || sequence > reader->getSequence() || followers.size() >= followers_max)
        return deliver(promise, report(model));
      followers.push_back({model, reader->getSequence(), unix_ms() + wait, promise});
      return;
    }
    case schema::WeightAction::ADD:
      return add(self, *reader, promise);
    case schema::WeightAction::ROLL:
      return roll(self, *reader, promise);
    case schema::WeightAction::COMPARE:
      return compare(*reader, promise);
    case schema::WeightAction::STOP: {
      if (!machine || machine->record().model != model) {
        const auto* known = facts.roll(model);
        if (known == nullptr || known->is_over())
          return deliver(promise,
                         make_error(errc::not_found,
                                    "no update of model " + in_quotes(model) + " is under way"));
        return deliver(promise, make_error(errc::conflict, "node " + in_quotes(known->coordinator) +
                                                               " coordinates the update of model " +
                                                               in_quotes(model) +
                                                               "; say it there, with --node"));
      }
      machine->stop("stopped by hand");
      react(self);
      return deliver(promise, report(model, "the update goes back"));
    }
    default:
      break;
  }
  auto found = known(model, version);
  if (!found) return deliver(promise, found.error());
  auto manifest = manifest_of(*found->read());
  switch (reader->getAction()) {
    case schema::WeightAction::SHOW: {
      message_builder<schema::WeightReport> out;
      write_version(*found, out->initVersions(1)[0]);
      auto here = start.versions->manifest(manifest);
      if (here) {
        auto files = out->initFiles(static_cast<unsigned>(here->files.size()));
        for (unsigned i = 0; i < files.size(); ++i) {
          files[i].setPath(here->files[i].path);
          files[i].setSizeBytes(here->files[i].bytes);
        }
      }
      if (auto path = start.versions->path_of(manifest)) out->setFolder(path->string());
      return deliver(promise, out.finish());
    }
    case schema::WeightAction::FETCH:
      return bring(self, *found, 0, promise);
    case schema::WeightAction::REMOVE: {
      const auto* wanted = facts.wanted(model);
      auto used = (wanted != nullptr && wanted->version == version) ||
                  std::any_of(engines.begin(), engines.end(), [&](const auto& each) {
                    return !each.second.status.empty() &&
                           view(each.second.status.read()->getModel()) == model &&
                           view(each.second.status.read()->getWeightVersion()) == version;
                  });
      if (used || is_rolling(model))
        return deliver(promise, make_error(errc::conflict, "version " + in_quotes(version) +
                                                               " is in use on this node"));
      auto elsewhere = std::any_of(peers.begin(), peers.end(), [&](const auto& each) {
        if (each.second.news.empty()) return false;
        auto news = each.second.news.read();
        for (auto holding : news->getHoldings())
          if (holding.getComplete() && holding.getManifest() == found->read()->getManifest())
            return true;
        return false;
      });
      if (!elsewhere && !reader->getOptions().getForce())
        return deliver(promise, make_error(errc::conflict,
                                           "no other node has version " + in_quotes(version) +
                                               ": it would be lost; say --force if it may be"));
      if (auto at = fetches.find(manifest); at != fetches.end()) {
        at->second.mover.reset();
        end_fetch(self, at->second, make_error(errc::cancelled, "the version was removed"));
        fetches.erase(manifest);
      }
      if (auto err = start.versions->remove(manifest)) return deliver(promise, err);
      touch();
      react(self);
      return deliver(promise, report(model, "this node's copy of version " + in_quotes(version) +
                                                " is removed"));
    }
    default:
      return deliver(promise, make_error(errc::invalid_argument, "no such command"));
  }
}

caf::expected<weight_version> weight_sync_state::known(const std::string& model,
                                                       const std::string& version) const {
  if (const auto* found = facts.find(model, version)) return *found;
  return make_error(errc::not_found, "there is no version " + in_quotes(version) + " of model " +
                                         in_quotes(model) + "; there is " +
                                         list_of(facts.versions(model)) +
                                         ". Add it with: tandem weights add " + model +
                                         " PATH --version " + version);
}

caf::error weight_sync_state::refresh() {
  auto agreed = start.agreement->read();
  if (!agreed) return std::move(agreed.error());
  for (const auto& version : agreed->versions({})) {
    if (!facts.add(version)) continue;
    // What is agreed on wins over what was heard.
    auto reader = version.read();
    facts.remove(std::string{view(reader->getModel())}, std::string{view(reader->getVersion())});
    if (auto err = facts.add(version)) last_error = message_of(err);
  }
  for (const auto& [model, wanted] : agreed->wanted())
    if (facts.want(model, wanted)) serve_from_folder();
  for (const auto& [model, roll] : agreed->rolls()) facts.note(roll);
  heard = heard || start.agreement->is_shared();
  return caf::none;
}

void weight_sync_state::add(pointer self, schema::WeightCommand::Reader command,
                            report_promise promise) {
  std::string model{view(command.getModel())};
  std::string version{view(command.getVersion())};
  std::filesystem::path path{std::string{view(command.getPath())}};
  if (model.empty())
    return deliver(promise, make_error(errc::invalid_argument, "a version is of a model: name it"));
  if (auto err = refresh()) return deliver(promise, err);
  const auto* newest = facts.newest(model);
  auto last = newest == nullptr ? std::string{} : std::string{view(newest->read()->getVersion())};
  if (version.empty()) version = next_version(last);
  if (auto why = why_no_version(version); !why.empty())
    return deliver(promise, make_error(errc::invalid_argument, in_quotes(version) + ": " + why));
  if (facts.find(model, version) == nullptr && !last.empty() &&
      compare_versions(version, last) <= 0)
    return deliver(promise,
                   make_error(errc::invalid_argument,
                              "version " + in_quotes(version) + " is not above " + in_quotes(last) +
                                  ", the newest one, and versions only rise; take " +
                                  in_quotes(next_version(last))));
  if (path.is_relative())
    return deliver(promise, make_error(errc::invalid_argument,
                                       "the path must be absolute on the node: " + path.string()));
  if (additions.size() >= additions_max)
    return deliver(
        promise, make_error(errc::overloaded, "this node reads other weights just now; try again"));
  auto id = next_addition++;
  auto& at = additions[id];
  at.stop = std::make_shared<std::atomic<bool>>(false);
  at.model = model;
  at.version = version;
  at.force = command.getOptions().getForce();
  at.promise = promise;
  auto me = caf::actor_cast<caf::actor_addr>(self);
  at.reader =
      std::thread{[id, path, me, stop = at.stop, letters = letters, store = start.versions] {
        added_version result;
        auto manifest = read_manifest(path, 0, 1, stop.get());
        if (manifest)
          result.error = store->add(*manifest, path, stop.get());
        else
          result.error = manifest.error();
        if (manifest) result.manifest = std::move(*manifest);
        {
          std::lock_guard lock{letters->mutex};
          letters->added.insert_or_assign(id, std::move(result));
        }
        if (auto target = caf::actor_cast<weight_sync_inside>(me))
          caf::anon_send(target, wake_atom_v, std::uint64_t{2});
      }};
}

void weight_sync_state::added(pointer, std::uint64_t id, added_version result) {
  auto found = additions.find(id);
  if (found == additions.end()) return;
  auto of = std::move(found->second);
  additions.erase(found);
  of.reader.join();
  if (result.error) return deliver(of.promise, result.error);
  auto made =
      make_version(of.model, of.version, result.manifest, facts.next_number(of.model), start.node);
  const auto* newest = facts.newest(of.model);
  const auto* same = facts.find(of.model, of.version);
  if (newest != nullptr && same == nullptr && !of.force)
    if (auto why = why_no_fit_of(made, *newest); !why.empty())
      return deliver(of.promise,
                     make_error(errc::invalid_argument, "these weights do not fit model " +
                                                            in_quotes(of.model) + ": " + why +
                                                            ". If that is meant, say --force"));
  if (same == nullptr) {
    if (auto err = start.agreement->add(made)) return deliver(of.promise, err);
  }
  if (auto err = facts.add(made)) return deliver(of.promise, err);
  touch();
  keep_few();
  of.promise.deliver(report(of.model, same == nullptr
                                          ? "version " + in_quotes(of.version) + " is added"
                                          : "version " + in_quotes(of.version) +
                                                " was known already, with the same bytes"));
}

caf::error weight_sync_state::check_roll(const std::string& model, const std::string& version,
                                         const roll_options& options,
                                         const fleet_view& fleet) const {
  auto next = known(model, version);
  if (!next) return std::move(next.error());
  if (auto why = why_not_roll(fleet.engines, model, version); !why.empty())
    return make_error(errc::invalid_argument, why);
  for (const auto& each : fleet.engines) {
    const auto* now = facts.find(model, each.version);
    if (now == nullptr || options.force || each.version == version) continue;
    if (auto why = why_no_fit_of(*next, *now); !why.empty())
      return make_error(errc::invalid_argument, "version " + in_quotes(version) +
                                                    " does not fit engine '" + each.name + "@" +
                                                    each.node + "', which serves " +
                                                    in_quotes(each.version) + ": " + why);
  }
  return caf::none;
}

void weight_sync_state::roll(pointer self, schema::WeightCommand::Reader command,
                             report_promise promise) {
  std::string model{view(command.getModel())};
  std::string version{view(command.getVersion())};
  auto options = read_options(command.getOptions());
  if (auto err = refresh()) return deliver(promise, err);
  const auto* last = facts.roll(model);
  if (machine || (last != nullptr && !last->is_over() && is_rolling(model))) {
    const auto& now = machine ? machine->record() : *last;
    return deliver(
        promise, make_error(errc::conflict,
                            "node " + in_quotes(now.coordinator) + " takes model " +
                                in_quotes(now.model) + " to version " + in_quotes(now.version) +
                                " just now; wait for it (tandem weights status), or stop it there "
                                "(tandem weights stop " +
                                now.model + ")"));
  }
  auto fleet = look_at_fleet(model, version);
  if (auto err = check_roll(model, version, options, fleet)) return deliver(promise, err);
  std::random_device random;
  roll_record record{.id = (std::uint64_t{random()} << 31 | random()) | 1,
                     .model = model,
                     .version = version,
                     .epoch = facts.next_epoch(model),
                     .coordinator = start.node,
                     .incarnation = start.incarnation,
                     .options = options,
                     .began_ms = unix_ms()};
  if (const auto* wanted = facts.wanted(model)) record.before = wanted->version;
  // What all of them have is what they go back to, also those that are away by then.
  if (record.before.empty()) {
    std::string common;
    // One that is only starting says nothing yet.
    for (const auto& each : fleet.engines)
      if (common.empty()) common = each.version;
    auto same = std::all_of(fleet.engines.begin(), fleet.engines.end(), [&](const auto& each) {
      return each.version == common || (each.version.empty() && !each.is_up);
    });
    if (same && common != version && facts.find(model, common) != nullptr) record.before = common;
  }
  add_engines(record, fleet.engines);
  written = last == nullptr ? roll_mark{} : mark_of(*last);
  // A new roll's sequence begins above the last one's, so that news of both are told apart.
  record.sequence = written.sequence;
  machine.emplace(std::move(record));
  if (!write_roll()) {
    machine.reset();
    return deliver(promise,
                   make_error(errc::unavailable, "the update is not begun: " + last_error));
  }
  spdlog::info("weights: update begins model={} version={} engines={}", model, version,
               machine->record().engines.size());
  promise.deliver(report(model, "the update to version " + in_quotes(version) + " has begun"));
  react(self);
}

void weight_sync_state::compare(schema::WeightCommand::Reader command, report_promise promise) {
  std::string model{view(command.getModel())};
  auto one = known(model, std::string{view(command.getVersion())});
  if (!one) return deliver(promise, one.error());
  auto two = known(model, std::string{view(command.getOther())});
  if (!two) return deliver(promise, two.error());
  auto left = start.versions->manifest(manifest_of(*one->read()));
  auto right = start.versions->manifest(manifest_of(*two->read()));
  if (!left || !right)
    return deliver(promise, make_error(errc::unavailable,
                                       "this node has not both versions; fetch them first (tandem "
                                       "weights fetch " +
                                           model + " VERSION)"));
  message_builder<schema::WeightReport> out;
  write_version(*one, out->initVersions(2)[0]);
  write_version(*two, out->getVersions()[1]);
  out->setFit(why_no_fit(*right, *left));
  std::map<std::string, std::pair<const manifest_file*, const manifest_file*>> files;
  for (const auto& each : left->files) files[each.path].first = &each;
  for (const auto& each : right->files) files[each.path].second = &each;
  auto list = out->initDifferences(static_cast<unsigned>(files.size()));
  unsigned place = 0;
  for (const auto& [path, each] : files) {
    auto to = list[place++];
    to.setFile(path);
    if (each.first == nullptr || each.second == nullptr) {
      const auto* only = each.first == nullptr ? each.second : each.first;
      to.setChunks(only->chunks.size());
      to.setSizeBytes(only->bytes);
      to.setNote("only in " + std::string{view(each.first == nullptr ? command.getOther()
                                                                     : command.getVersion())});
      continue;
    }
    std::uint64_t equal = 0;
    auto both = std::min(each.first->chunks.size(), each.second->chunks.size());
    if (left->chunk_bytes == right->chunk_bytes)
      for (std::size_t i = 0; i < both; ++i)
        equal += each.first->chunks[i] == each.second->chunks[i] ? 1 : 0;
    to.setChunks(each.second->chunks.size());
    to.setEqual(equal);
    to.setSizeBytes(each.second->bytes);
  }
  promise.deliver(out.finish());
}

void weight_sync_state::write_version(const weight_version& version,
                                      schema::WeightVersionReport::Builder out) const {
  auto reader = version.read();
  out.setVersion(*reader);
  const auto* wanted = facts.wanted(view(reader->getModel()));
  out.setWanted(wanted != nullptr && wanted->version == view(reader->getVersion()));
  std::vector<std::string> nodes;
  if (start.versions->is_complete(manifest_of(*reader))) nodes.push_back(start.node);
  for (const auto& [id, each] : peers) {
    if (each.news.empty()) continue;
    auto news = each.news.read();
    for (auto holding : news->getHoldings())
      if (holding.getComplete() && holding.getManifest() == reader->getManifest())
        nodes.push_back(each.node);
  }
  std::sort(nodes.begin(), nodes.end());
  auto list = out.initNodes(static_cast<unsigned>(nodes.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, nodes[i]);
}

tmsg::wtrep weight_sync_state::report(std::string_view model, std::string_view what) {
  message_builder<schema::WeightReport> out;
  auto versions = facts.versions(model);
  auto list = out->initVersions(static_cast<unsigned>(versions.size()));
  for (unsigned i = 0; i < list.size(); ++i) write_version(versions[i], list[i]);
  std::vector<roll_record> rolls;
  for (const auto& [of, roll] : facts.rolls())
    if (model.empty() || of == model) rolls.push_back(roll);
  std::sort(rolls.begin(), rolls.end(),
            [](const auto& a, const auto& b) { return a.began_ms > b.began_ms; });
  auto told_rolls = out->initRolls(static_cast<unsigned>(rolls.size()));
  for (unsigned i = 0; i < told_rolls.size(); ++i) write(rolls[i], told_rolls[i]);
  auto own = told.empty() ? make_news() : told;
  std::vector<tmsg::wtnews> all{own};
  for (const auto& [id, each] : peers)
    if (!each.news.empty()) all.push_back(each.news);
  unsigned count = 0;
  for (const auto& news : all) count += news.read()->getFetches().size();
  auto fetching = out->initFetches(count);
  unsigned place = 0;
  for (const auto& news : all) {
    auto reader = news.read();
    for (auto each : reader->getFetches()) fetching.setWithCaveats(place++, each);
  }
  out->setDone(std::string{what});
  out->setSequence(sequence);
  return out.finish();
}

}  // namespace tandem
