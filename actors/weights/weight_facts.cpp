#include <algorithm>
#include <cmath>
#include <map>

#include <simdjson.h>

#include "actors/weights/file_bytes.hpp"
#include "actors/weights/weight_header.hpp"

namespace tandem {
namespace {

constexpr std::uint64_t config_bytes_max = 16 * 1024 * 1024;
constexpr std::size_t architecture_bytes_max = 256;
constexpr std::size_t types_max = 8;
constexpr std::uint64_t parameters_max = std::uint64_t{1} << 62;

caf::error refused(const std::string& what) {
  return make_error(errc::invalid_argument, what);
}

bool ends_with(std::string_view name, std::string_view end) {
  return name.size() > end.size() && name.ends_with(end);
}

/// A tensor and the file that it lies in.
using tensor_map = std::map<std::string, std::pair<const header_tensor*, std::string>>;

void append(std::string& out, std::uint64_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

weight_hash shapes_of(const tensor_map& tensors) {
  std::string all;
  for (const auto& [name, at] : tensors) {
    append(all, name.size());
    all += name;
    append(all, at.first->shape.size());
    for (const auto dim : at.first->shape) append(all, dim);
  }
  return hash_of(all);
}

std::string types_of(const tensor_map& tensors, std::uint64_t parameters) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [name, at] : tensors) counts[at.first->type] += at.first->elements;
  std::vector<std::pair<std::string, std::uint64_t>> shares(counts.begin(), counts.end());
  std::stable_sort(shares.begin(), shares.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (shares.size() > types_max) shares.resize(types_max);
  std::string out;
  for (const auto& [type, count] : shares) {
    const auto percent =
        parameters == 0
            ? 0
            : std::lround(100.0 * static_cast<double>(count) / static_cast<double>(parameters));
    out += (out.empty() ? "" : ", ") + type + ' ' +
           (percent == 0 ? "<1" : std::to_string(percent)) + '%';
  }
  return out;
}

caf::expected<weight_facts> facts_of(schema::WeightFormat format, std::string architecture,
                                     const tensor_map& tensors) {
  weight_facts out;
  for (const auto& [name, at] : tensors) {
    if (at.first->elements > parameters_max - out.parameters)
      return refused(at.second + ": more parameters than any model has");
    out.parameters += at.first->elements;
  }
  out.format = format;
  out.architecture = std::move(architecture);
  out.shapes = shapes_of(tensors);
  out.types = types_of(tensors, out.parameters);
  return out;
}

caf::error collect(const weight_header& header, const std::string& file, tensor_map& all) {
  for (const auto& tensor : header.tensors) {
    const auto [at, added] = all.emplace(tensor.name, std::pair{&tensor, file});
    if (!added)
      return refused("tensor " + quoted_name(tensor.name) + " is there twice, in " +
                     at->second.second + (at->second.second == file ? "" : " and " + file));
  }
  return caf::none;
}

caf::expected<weight_header> read_header(schema::WeightFormat format,
                                         const std::filesystem::path& path) {
  return format == schema::WeightFormat::GGUF ? read_gguf_header(path)
                                              : read_safetensors_header(path);
}

/// `architectures[0]`, else `model_type`, of a config.json; empty: it says neither.
caf::expected<std::string> read_architecture(const std::filesystem::path& path) {
  auto text = read_small(path, config_bytes_max);
  if (!text) return std::move(text.error());
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto failure = parser.parse(*text).get(root))
    return refused(path.string() + ": " + simdjson::error_message(failure));
  std::string_view found;
  if (root.at_pointer("/architectures/0").get(found) != simdjson::SUCCESS &&
      root["model_type"].get(found) != simdjson::SUCCESS)
    return std::string{};
  if (auto why = why_no_text(found, architecture_bytes_max); !why.empty())
    return refused(path.string() + ": the architecture " + why);
  return std::string{found};
}

/// Tensors and their files, as model.safetensors.index.json has them.
caf::expected<std::map<std::string, std::string>> read_index(const std::filesystem::path& path) {
  auto text = read_small(path, safetensors_header_bytes_max);
  if (!text) return std::move(text.error());
  std::map<std::string, std::string> out;
  try {
    simdjson::ondemand::parser parser;
    const simdjson::padded_string json{*text};
    auto document = parser.iterate(json);
    for (auto field : document["weight_map"].get_object()) {
      std::string name{std::string_view(field.unescaped_key())};
      out.insert_or_assign(std::move(name), std::string{std::string_view(field.value())});
      if (out.size() > header_tensors_max) return refused(path.string() + ": too many tensors");
    }
  } catch (const simdjson::simdjson_error& failure) {
    return refused(path.string() + ": no weight_map that can be read: " + failure.what());
  }
  return out;
}

constexpr const char* index_name = "model.safetensors.index.json";

/// A folder's files of one format, and what they say together.
class model_folder {
 public:
  model_folder(const std::filesystem::path& folder, const std::vector<std::string>& files)
      : folder_{folder}, files_{files} {}

  caf::expected<weight_facts> read() {
    auto format = schema::WeightFormat::SAFETENSORS;
    auto names = with_end(".safetensors");
    if (names.empty()) {
      format = schema::WeightFormat::GGUF;
      names = with_end(".gguf");
    }
    if (names.empty() && !has(index_name)) return weight_facts{};
    for (const auto& name : names) {
      auto header = read_header(format, folder_ / name);
      if (!header) return std::move(header.error());
      headers_.emplace(name, std::move(*header));
    }
    return format == schema::WeightFormat::GGUF ? read_gguf() : read_safetensors();
  }

 private:
  bool has(const std::string& name) const {
    return std::find(files_.begin(), files_.end(), name) != files_.end();
  }

  std::vector<std::string> with_end(std::string_view end) const {
    std::vector<std::string> out;
    for (const auto& file : files_)
      if (ends_with(file, end) && file.find('/') == file.npos) out.push_back(file);
    return out;
  }

  /// The parts of a split file, or a model with what belongs to it: the largest says what it is.
  caf::expected<weight_facts> read_gguf() {
    tensor_map tensors;
    std::string architecture;
    std::size_t most = 0;
    for (const auto& [name, header] : headers_) {
      if (auto err = collect(header, name, tensors)) return err;
      if (header.architecture.empty() || (!architecture.empty() && header.tensors.size() <= most))
        continue;
      architecture = header.architecture;
      most = header.tensors.size();
    }
    return facts_of(schema::WeightFormat::GGUF, architecture, tensors);
  }

  caf::expected<weight_facts> read_safetensors() {
    tensor_map tensors;
    if (has(index_name)) {
      auto index = read_index(folder_ / index_name);
      if (!index) return std::move(index.error());
      if (auto err = collect_indexed(*index, tensors)) return err;
    } else if (const auto alone = headers_.find("model.safetensors"); alone != headers_.end()) {
      // The same weights may lie beside it under other names, for other programs.
      if (auto err = collect(alone->second, alone->first, tensors)) return err;
    } else {
      for (const auto& [name, header] : headers_)
        if (auto err = collect(header, name, tensors)) return err;
    }
    std::string architecture;
    if (has("config.json")) {
      auto said = read_architecture(folder_ / "config.json");
      if (!said) return std::move(said.error());
      architecture = std::move(*said);
    }
    return facts_of(schema::WeightFormat::SAFETENSORS, std::move(architecture), tensors);
  }

  caf::error collect_indexed(const std::map<std::string, std::string>& index,
                             tensor_map& tensors) const {
    std::map<std::string, const weight_header*> wanted;
    for (const auto& [tensor, file] : index) {
      const auto found = headers_.find(file);
      if (found == headers_.end())
        return refused(std::string(index_name) + " names " + quoted_name(file) +
                       ", which is not in the folder");
      wanted.emplace(file, &found->second);
    }
    for (const auto& [file, header] : wanted)
      if (auto err = collect(*header, file, tensors)) return err;
    for (const auto& [tensor, file] : index) {
      const auto found = tensors.find(tensor);
      if (found == tensors.end() || found->second.second != file)
        return refused(std::string(index_name) + " says that tensor " + quoted_name(tensor) +
                       " is in " + quoted_name(file) + ", but it is not");
    }
    return caf::none;
  }

  const std::filesystem::path& folder_;
  const std::vector<std::string>& files_;
  std::map<std::string, weight_header> headers_;
};

}  // namespace

caf::expected<weight_facts> read_facts(const std::filesystem::path& folder,
                                       const std::vector<std::string>& files) {
  return model_folder{folder, files}.read();
}

caf::expected<weight_facts> read_facts(const std::filesystem::path& file) {
  const auto format = file.extension() == ".safetensors" ? schema::WeightFormat::SAFETENSORS
                                                         : schema::WeightFormat::GGUF;
  const auto header = read_header(format, file);
  if (!header) return header.error();
  tensor_map tensors;
  if (auto err = collect(*header, file.string(), tensors)) return err;
  return facts_of(format, header->architecture, tensors);
}

}  // namespace tandem
