#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "actors/system/connection_check.hpp"
#include "config/certificates.hpp"
#include "config/words.hpp"
#include "nodes/cli/commands.hpp"
#include "nodes/cli/endpoint.hpp"
#include "nodes/cli/format.hpp"
#include "nodes/cli/plain_text.hpp"
#include "schema/errc.hpp"
#include "schema/json_writer.hpp"

namespace tandem::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array options{
    option_spec{"name", "NAME",
                "issue: whose certificate; init: the cluster; letters, digits, . _ -"},
    option_spec{"kind", "KIND", "issue, renew: client (a command line) or node"},
    option_spec{"host", "HOST", "issue: a further name or address of a node; may be repeated",
                true},
    option_spec{"days", "DAYS", "issue, renew: how long it holds; 90 by default"},
    option_spec{"out", "DIR",
                "issue, renew: the folder of the certificate, its key and the authority"},
    option_spec{"force", "", "issue: replace a certificate that is there already"}};

constexpr std::array<const char*, 3> certificate_names{"ca.pem", "node.pem", "client.pem"};

std::uint64_t unix_ms_of(std::chrono::sys_seconds time) {
  auto seconds = time.time_since_epoch().count();
  return seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds) * 1000;
}

void write_certificate(json_writer& json, const fs::path& file, const certificate_info& info) {
  json.object();
  json.field("file", file.string());
  json.field("subject", info.subject);
  json.field("issuer", info.issuer);
  json.field("name", info.common_name);
  json.field("not_before_ms", unix_ms_of(info.not_before));
  json.field("not_after_ms", unix_ms_of(info.not_after));
  json.field("fingerprint", info.fingerprint);
  json.end();
}

std::string certificate_text(const fs::path& file, const certificate_info& info, const style& how) {
  auto ends = unix_ms_of(info.not_after);
  auto is_over = ends <= now_ms();
  std::string text = how.paint(tint::bold, file.filename().string()) + '\n';
  text += "  name         " + printable_line(info.common_name) + '\n';
  text += "  subject      " + printable_line(info.subject) + '\n';
  text += "  issuer       " + printable_line(info.issuer) + '\n';
  text += "  valid from   " + format_utc(info.not_before) + '\n';
  text += "  valid until  " + format_utc(info.not_after) + ", " +
          how.paint(is_over ? tint::red : tint::none,
                    is_over ? "expired " + human_age(ends, now_ms()) : human_age(ends, now_ms())) +
          '\n';
  text += "  fingerprint  " + info.fingerprint + '\n';
  return text;
}

exit_code fail_local(console& io, const caf::error& err) {
  switch (code_of(err)) {
    case errc::not_authenticated:
      return io.fail(exit_code::no_connection, message_of(err));
    case errc::invalid_argument:
      return io.fail(exit_code::usage, message_of(err), "see `tandem help certs`");
    default:
      return io.fail(exit_code::local_failure, message_of(err));
  }
}

exit_code show(const invocation& from, const fs::path& folder, console& io) {
  json_writer json;
  json.object();
  json.field("folder", folder.string());
  json.array_field("certificates");
  std::string text = "folder " + folder.string() + '\n';
  std::size_t count = 0;
  for (const char* name : certificate_names) {
    auto file = folder / name;
    auto info = describe_certificate(file);
    if (!info && code_of(info.error()) == errc::not_found) continue;
    if (!info) return fail_local(io, info.error());
    ++count;
    write_certificate(json, file, *info);
    text += '\n' + certificate_text(file, *info, io.out_style());
  }
  json.end();
  json.end();
  if (count == 0) {
    return io.fail(exit_code::no_connection, "there are no certificates in " + folder.string(),
                   "a node makes them at its first start; name its folder with --tls or --data");
  }
  if (from.wants_json())
    io.line(json.text());
  else
    io.write(text);
  return exit_code::ok;
}

/// Connects as any other command would.
caf::error check_node(const endpoint& to) {
  return check_connection(
      {.host = to.address.host, .port = to.address.port, .tls = connection_files(to.tls_folder)});
}

/// Checks each certificate of the folder with its key and the authority, and with --node whether
/// that node accepts them.
exit_code check(const invocation& from, const fs::path& folder, console& io) {
  json_writer json;
  json.object();
  json.field("folder", folder.string());
  json.array_field("checked");
  std::string text;
  std::string problems;
  std::size_t count = 0;
  for (auto kind : {certificate_kind::node, certificate_kind::client}) {
    auto files = certificate_files(folder, kind);
    std::error_code ignored;
    if (!fs::exists(files.certificate, ignored)) continue;
    ++count;
    auto err = check_certificate_files(files);
    json.object();
    json.field("file", files.certificate.string());
    json.field("ok", !err);
    if (err)
      json.field("problem", message_of(err));
    else
      json.null_field("problem");
    json.end();
    if (err)
      problems += (problems.empty() ? "" : "\n") + message_of(err);
    else
      text += "ok: " + files.certificate.string() + '\n';
  }
  json.end();
  if (count > 0 && from.global("node")) {
    auto to = find_endpoint(from, process_environment());
    if (!to) return usage_error(io, from, to.error());
    auto err = check_node(*to);
    json.object_field("node");
    json.field("address", to_string(to->address));
    json.field("ok", !err);
    if (err)
      json.field("problem", message_of(err));
    else
      json.null_field("problem");
    json.end();
    if (err)
      problems += (problems.empty() ? "" : "\n") + message_of(err);
    else
      text += "ok: the node at " + to_string(to->address) + " accepts them\n";
  }
  json.end();
  if (count == 0) {
    return io.fail(exit_code::no_connection,
                   "there is neither node.pem nor client.pem in " + folder.string(),
                   "a node makes them at its first start; name its folder with --tls or --data");
  }
  if (from.wants_json())
    io.line(json.text());
  else
    io.write(text);
  return problems.empty() ? exit_code::ok : io.fail(exit_code::no_connection, problems);
}

exit_code issue(const invocation& from, const fs::path& folder, console& io) {
  for (const char* needed : {"name", "kind", "out"}) {
    if (!from.has(needed)) {
      return usage_error(io, from, std::string{"certs issue needs --"} + needed);
    }
  }
  auto kind = *from.value("kind");
  if (kind != "client" && kind != "node") {
    return usage_error(io, from, "--kind is " + quote_word(kind) + ", but must be client or node");
  }
  auto days = integer_option(from, "days", 1, authority_lifetime.count());
  if (!days) return usage_error(io, from, days.error());
  certificate_request request{
      .kind = kind == "node" ? certificate_kind::node : certificate_kind::client,
      .name = *from.value("name"),
      .hosts = from.values("host"),
      .lifetime = *days ? certificate_days{static_cast<int>(**days)} : certificate_lifetime};
  auto out = expand_home(*from.value("out"));
  auto old = certificate_files(out, request.kind).certificate;
  std::error_code ignored;
  if (!from.has("force") && fs::exists(old, ignored)) {
    return io.fail(exit_code::local_failure,
                   old.string() + " is there already, and who uses it would lose its key",
                   "name another folder with --out, or replace it with --force");
  }
  auto files = issue_certificate(folder, request, out);
  if (!files) return fail_local(io, files.error());
  auto info = describe_certificate(files->certificate);
  if (!info) return fail_local(io, info.error());
  if (from.wants_json()) {
    json_writer json;
    write_certificate(json, files->certificate, *info);
    io.line(json.text());
    return exit_code::ok;
  }
  io.write(certificate_text(files->certificate, *info, io.out_style()));
  io.note("issued to " + out.string() + "; whoever has " + files->key.filename().string() +
          " controls the cluster until then: carry the folder safely");
  return exit_code::ok;
}

exit_code init(const invocation& from, const fs::path& folder, console& io) {
  if (!from.has("name"))
    return usage_error(io, from, "certs init needs --name, the cluster's name");
  if (auto err = found_authority(folder, *from.value("name"))) return fail_local(io, err);
  auto info = describe_certificate(folder / "ca.pem");
  if (!info) return fail_local(io, info.error());
  if (from.wants_json()) {
    json_writer json;
    write_certificate(json, folder / "ca.pem", *info);
    io.line(json.text());
    return exit_code::ok;
  }
  io.write(certificate_text(folder / "ca.pem", *info, io.out_style()));
  io.note("whoever has " + (folder / "ca.key").string() +
          " can make certificates of this cluster: keep it on this machine alone");
  return exit_code::ok;
}

/// Every certificate in the folder of --out, or in the authority's own, again.
exit_code renew(const invocation& from, const fs::path& folder, console& io) {
  auto days = integer_option(from, "days", 1, authority_lifetime.count());
  if (!days) return usage_error(io, from, days.error());
  auto lifetime = *days ? certificate_days{static_cast<int>(**days)} : certificate_lifetime;
  auto only = from.value("kind");
  if (only && *only != "client" && *only != "node")
    return usage_error(io, from, "--kind is " + quote_word(*only) + ", but must be client or node");
  auto where = from.has("out") ? fs::path{expand_home(*from.value("out"))} : folder;
  json_writer json;
  json.object();
  json.field("folder", where.string());
  json.array_field("certificates");
  std::string text;
  for (auto kind : {certificate_kind::node, certificate_kind::client}) {
    if (only && *only != (kind == certificate_kind::node ? "node" : "client")) continue;
    std::error_code ignored;
    if (!fs::exists(certificate_files(where, kind).certificate, ignored)) continue;
    auto files = renew_certificate(folder, where, kind, lifetime);
    if (!files) return fail_local(io, files.error());
    auto info = describe_certificate(files->certificate);
    if (!info) return fail_local(io, info.error());
    write_certificate(json, files->certificate, *info);
    text += certificate_text(files->certificate, *info, io.out_style());
  }
  json.end();
  json.end();
  if (text.empty())
    return io.fail(exit_code::no_connection,
                   "there is no certificate to renew in " + where.string(),
                   "`tandem certs issue` makes new ones");
  if (from.wants_json())
    io.line(json.text());
  else
    io.write(text);
  return exit_code::ok;
}

exit_code run(const invocation& from, console& io) {
  auto folder = find_tls_folder(from, process_environment());
  if (!folder) return usage_error(io, from, folder.error());
  const auto& action = from.arguments.front();
  constexpr std::array<std::string_view, 5> actions{"show", "check", "issue", "init", "renew"};
  if (std::find(actions.begin(), actions.end(), action) == actions.end()) {
    auto text = "certs cannot " + quote_word(action) + ", but show, check, init, issue or renew";
    auto nearest = nearest_word(action, actions);
    if (!nearest.empty()) text += "; did you mean " + std::string{nearest} + "?";
    return usage_error(io, from, text);
  }
  if (action != "check" && from.global("node")) {
    return usage_error(io, from, "--node is for certs check only");
  }
  if (action == "issue") return issue(from, *folder, io);
  if (action == "init") return init(from, *folder, io);
  if (action == "renew") return renew(from, *folder, io);
  if (!from.options.empty()) {
    return usage_error(io, from,
                       "--" + from.options.begin()->first + " is not for certs " + action);
  }
  return action == "show" ? show(from, *folder, io) : check(from, *folder, io);
}

}  // namespace

const command_spec certs_command{
    .name = "certs",
    .arguments = "init|issue|show|check|renew",
    .summary = "make, show, check or renew the certificates that nodes and command lines need",
    .details =
        "They lie in the TLS folder (--tls). show prints what is there and when it expires; check "
        "says whether\n"
        "a connection would accept it, with --node whether that node does; issue signs a new one "
        "with the authority's key in that "
        "folder. Every\n"
        "certificate means full control of the cluster until it expires. init makes an authority "
        "in an empty folder;\n"
        "renew issues the certificates of --out (the TLS folder itself without it) again, for the "
        "same keys; a\n"
        "running node uses them for its next connections.",
    .example =
        "tandem certs show\n"
        "tandem certs init --tls /etc/tandem/ca --name prod\n"
        "tandem certs renew\n"
        "tandem certs issue --name alice --kind client --out ~/tandem-tls\n"
        "tandem certs issue --name beta --kind node --host beta.example.org --days 30 --out "
        "beta-tls",
    .options = options,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = run};

}  // namespace tandem::cli
