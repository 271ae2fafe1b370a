#include "nodes/cli/route_eval_command.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>

#include <fcntl.h>
#include <unistd.h>

#include "config/words.hpp"
#include "nodes/cli/plain_text.hpp"
#include "nodes/cli/route_eval_json.hpp"
#include "nodes/cli/route_eval_text.hpp"
#include "schema/errc.hpp"

namespace tandem::cli {
namespace {

constexpr double clip_max = 1e6;
constexpr std::size_t policies_max = 64;
/// Without --policy each model alone is asked for, where there are few.
constexpr std::size_t models_max = 8;

/// Feeds an open file line by line, so that only decisions are kept in memory.
caf::error read_lines(int fd, decision_log_reader& log) {
  std::array<char, 65536> buffer{};
  std::string pending;
  while (true) {
    auto count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return make_error(errc::not_found, std::strerror(errno));
    if (count == 0) return log.add(pending);
    std::string_view rest{buffer.data(), static_cast<std::size_t>(count)};
    for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
      pending += rest.substr(0, end);
      if (auto err = log.add(pending)) return err;
      pending.clear();
      rest.remove_prefix(end + 1);
    }
    pending += rest;
    // A line without an end; the reader says that it is too long.
    if (pending.size() > decision_log_reader::line_bytes_max) return log.add(pending);
  }
}

std::vector<std::string> policies_to_ask(const invocation& from,
                                         std::span<const logged_decision> decisions) {
  std::vector<std::string> names{"logged"};
  auto add = [&](std::string name) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  };
  for (const auto& name : from.values("policy")) add(name);
  if (from.has("policy")) return names;
  for (const auto& policy : routing_policies()) add(std::string{policy.name});
  std::set<std::string> models;
  for (const auto& d : decisions) {
    for (const auto& a : d.arms) models.insert(a.model);
    if (models.size() > models_max) return names;
  }
  for (const auto& model : models) add("always " + model);
  return names;
}

exit_code evaluate(const invocation& from, console& io, std::string_view log,
                   std::span<const logged_decision> decisions, double clip) {
  std::vector<target_policy> targets;
  for (const auto& name : policies_to_ask(from, decisions)) {
    auto target = target_policy::make(name, decisions, {});
    if (!target) return usage_error(io, from, printable_line(message_of(target.error())));
    targets.push_back(std::move(*target));
  }
  off_policy_evaluator evaluator{decisions, {.clip = clip}};
  std::vector<policy_estimate> estimates;
  for (const auto& target : targets) estimates.push_back(evaluator.evaluate(target));
  if (from.wants_json())
    io.line(evaluation_json(log, evaluator, estimates));
  else
    io.write(evaluation_text(evaluator, estimates, io.out_style()));
  return exit_code::ok;
}

}  // namespace

exit_code route_eval(const invocation& from, console& io) {
  if (from.arguments.size() < 2)
    return usage_error(io, from, "route eval needs a LOG, as `tandem route export` writes it");
  if (from.values("policy").size() > policies_max)
    return usage_error(io, from, "at most " + std::to_string(policies_max) + " policies at a time");
  auto clip = number_option(from, "clip", 1, clip_max);
  if (!clip) return usage_error(io, from, clip.error());
  std::optional<schema::Purpose> purpose;
  if (auto named = from.value("purpose")) {
    purpose = purpose_named(*named);
    if (!purpose)
      return usage_error(io, from,
                         "--purpose must be one of plan, step, compose, verify, answer, way, not " +
                             quote_word(*named));
  }
  const auto& path = from.arguments[1];
  auto name = path == "-" ? std::string{"standard input"} : printable_line(path);
  auto fd = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return io.fail(exit_code::local_failure, "cannot read " + name + ": " + std::strerror(errno),
                   "`tandem route export` writes decisions");
  decision_log_reader reader{name};
  auto err = read_lines(fd, reader);
  if (fd != STDIN_FILENO) ::close(fd);
  if (err) {
    auto text = printable_line(message_of(err));
    return io.fail(exit_code::local_failure,
                   code_of(err) == errc::not_found ? "cannot read " + name + ": " + text : text);
  }
  auto decisions = reader.take();
  if (purpose) std::erase_if(decisions, [&](const auto& d) { return d.purpose != *purpose; });
  if (decisions.empty())
    return io.fail(exit_code::local_failure,
                   name + " has no decisions" +
                       (purpose ? " of purpose " + std::string{purpose_name(*purpose)} : ""),
                   "`tandem route export` writes them");
  return evaluate(from, io, name, decisions, clip->value_or(0));
}

}  // namespace tandem::cli
