#include <algorithm>
#include <cstring>
#include <unordered_set>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <simdjson.h>

#include "actors/weights/file_bytes.hpp"
#include "actors/weights/weight_header.hpp"
#include "actors/weights/weight_manifest.hpp"
#include "schema/errc.hpp"
#include "schema/message.hpp"

namespace tandem {
namespace {

constexpr std::size_t path_bytes_max = 1024;
constexpr std::size_t file_name_bytes_max = 255;
constexpr std::size_t text_bytes_max = 1024;
constexpr std::uint64_t version_bytes_max = std::uint64_t{1} << 62;

caf::error malformed(const std::string& what) {
  return make_error(errc::malformed_message, "manifest of weights: " + what);
}

/// Why this path may not lie in a version's folder; empty: it may.
std::string why_no_path(std::string_view path) {
  if (path.empty()) return "is empty";
  if (path.front() == '/') return "is absolute";
  if (auto why = why_no_text(path, path_bytes_max); !why.empty()) return why;
  while (true) {
    const auto name = path.substr(0, path.find('/'));
    if (name.empty()) return "has an empty name in it";
    if (name == "." || name == "..") return "has '" + std::string(name) + "' in it";
    if (name.size() > file_name_bytes_max)
      return "has a name of " + std::to_string(name.size()) +
             " bytes in it; at most 255 are allowed";
    if (name.size() == path.size()) return {};
    path.remove_prefix(name.size() + 1);
  }
}

caf::error check_paths(const std::vector<manifest_file>& files) {
  std::unordered_set<std::string_view> all;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string_view path = files[i].path;
    if (auto why = why_no_path(path); !why.empty())
      return malformed("the path " + quoted_name(path) + ' ' + why);
    if (i > 0 && path == files[i - 1].path) return malformed(quoted_name(path) + " is there twice");
    if (i > 0 && path < files[i - 1].path)
      return malformed(quoted_name(path) + " comes after " + quoted_name(files[i - 1].path));
    all.insert(path);
  }
  for (const std::string_view path : all) {
    for (auto end = path.find('/'); end != path.npos; end = path.find('/', end + 1)) {
      if (all.contains(path.substr(0, end)))
        return malformed(quoted_name(path) + " lies below " + quoted_name(path.substr(0, end)) +
                         ", which is a file");
    }
  }
  return caf::none;
}

caf::error read_files(schema::WeightManifest::Reader from, weight_manifest& to) {
  const auto count = from.getFiles().size();
  if (count == 0 || count > manifest_files_max)
    return malformed("it has " + std::to_string(count) + " files; 1 to " +
                     std::to_string(manifest_files_max) + " are allowed");
  std::uint64_t total = 0;
  for (const auto item : from.getFiles()) {
    auto& file = to.files.emplace_back();
    file.path.assign(item.getPath().begin(), item.getPath().end());
    file.bytes = item.getSizeBytes();
    if (file.bytes > version_bytes_max - total)
      return malformed("its files are larger than any disk, at " + quoted_name(file.path) + " of " +
                       std::to_string(file.bytes) + " bytes");
    total += file.bytes;
    const auto chunks = file.bytes / to.chunk_bytes + (file.bytes % to.chunk_bytes != 0 ? 1 : 0);
    const auto hashes = item.getChunks();
    if (hashes.size() % sizeof(weight_hash) != 0 || hashes.size() / sizeof(weight_hash) != chunks)
      return malformed(quoted_name(file.path) + " of " + std::to_string(file.bytes) +
                       " bytes has " + std::to_string(chunks) + " chunks, but " +
                       std::to_string(hashes.size()) + " bytes of hashes, not 32 for each");
    file.chunks.resize(chunks);
    if (chunks > 0) std::memcpy(file.chunks.data(), hashes.begin(), hashes.size());
  }
  return check_paths(to.files);
}

caf::error read_texts(schema::WeightManifest::Reader from, weight_manifest& to) {
  to.architecture.assign(from.getArchitecture().begin(), from.getArchitecture().end());
  to.types.assign(from.getTypes().begin(), from.getTypes().end());
  if (auto why = why_no_text(to.architecture, text_bytes_max); !why.empty())
    return malformed("the architecture " + quoted_name(to.architecture) + ' ' + why);
  if (auto why = why_no_text(to.types, text_bytes_max); !why.empty())
    return malformed("the types " + quoted_name(to.types) + ' ' + why);
  return caf::none;
}

kj::ArrayPtr<const capnp::byte> as_bytes(const weight_hash* hashes, std::size_t count) {
  return {reinterpret_cast<const capnp::byte*>(hashes), count * sizeof(weight_hash)};
}

}  // namespace

std::string why_no_text(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max)
    return "has " + std::to_string(text.size()) + " bytes; at most " + std::to_string(bytes_max) +
           " are allowed";
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), is_control)) return "has a control character in it";
  if (!simdjson::validate_utf8(text.data(), text.size())) return "is not UTF-8";
  return {};
}

std::string encode(const weight_manifest& manifest) {
  capnp::MallocMessageBuilder arena;
  auto root = arena.initRoot<schema::WeightManifest>();
  root.setChunkBytes(manifest.chunk_bytes);
  auto files = root.initFiles(static_cast<unsigned>(manifest.files.size()));
  for (unsigned i = 0; i < files.size(); ++i) {
    const auto& file = manifest.files[i];
    files[i].setPath({file.path.c_str(), file.path.size()});
    files[i].setSizeBytes(file.bytes);
    files[i].setChunks(as_bytes(file.chunks.data(), file.chunks.size()));
  }
  root.setFormat(manifest.format);
  root.setArchitecture({manifest.architecture.c_str(), manifest.architecture.size()});
  root.setShapes(as_bytes(&manifest.shapes, 1));
  root.setParameters(manifest.parameters);
  root.setTypes({manifest.types.c_str(), manifest.types.size()});
  // The canonical form has no room for chance: no segments, no padding, no order of writing.
  const auto words = capnp::canonicalize(root.asReader());
  const kj::ArrayPtr<const capnp::word> segment = words;
  const auto flat = capnp::messageToFlatArray(kj::arrayPtr(&segment, 1));
  return {reinterpret_cast<const char*>(flat.begin()), flat.asBytes().size()};
}

caf::expected<weight_manifest> decode_manifest(std::string_view bytes) {
  const message_limits limits{.words_max = manifest_bytes_max / sizeof(capnp::word)};
  const auto parsed = message<schema::WeightManifest>::parse(
      std::as_bytes(std::span{bytes.data(), bytes.size()}), limits);
  if (!parsed) return malformed(message_of(parsed.error()));
  capnp::FlatArrayMessageReader flat{parsed->words().words(),
                                     {.traversalLimitInWords = ~std::uint64_t{0}}};
  const auto from = flat.getRoot<schema::WeightManifest>();
  weight_manifest out;
  out.chunk_bytes = from.getChunkBytes();
  if (out.chunk_bytes == 0 || out.chunk_bytes > chunk_bytes_max)
    return malformed("chunks of " + std::to_string(out.chunk_bytes) + " bytes; 1 to " +
                     std::to_string(chunk_bytes_max) + " are allowed");
  if (auto err = read_files(from, out)) return err;
  if (auto err = read_texts(from, out)) return err;
  out.format = from.getFormat();
  out.parameters = from.getParameters();
  const auto shapes = from.getShapes();
  if (shapes.size() != out.shapes.size())
    return malformed("the hash of the shapes has " + std::to_string(shapes.size()) +
                     " bytes, not 32");
  std::memcpy(out.shapes.data(), shapes.begin(), shapes.size());
  // What says the same in other bytes would have another name.
  if (encode(out) != bytes) return malformed("it is not in canonical form, or of a newer Tandem");
  return out;
}

}  // namespace tandem
