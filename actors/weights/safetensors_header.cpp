#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include <simdjson.h>

#include "actors/weights/file_bytes.hpp"
#include "actors/weights/weight_header.hpp"

namespace tandem {
namespace {

using simdjson::ondemand::object;

constexpr std::uint64_t count_max = std::uint64_t{1} << 60;
constexpr std::size_t dims_max = 16;

struct dtype {
  const char* name;
  std::uint32_t bits;
};

constexpr dtype dtypes[] = {
    {"BOOL", 8}, {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},
    {"I8", 8},   {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"I16", 16},
    {"U16", 16}, {"F16", 16},    {"BF16", 16},   {"I32", 32},    {"U32", 32},
    {"F32", 32}, {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},
};

/// Bytes of the tensor; nothing for a type that is not known.
std::optional<std::uint64_t> tensor_bytes(const header_tensor& tensor) {
  for (const auto& type : dtypes)
    if (tensor.type == type.name) {
      // Elements of less than a byte fill whole bytes, or the file is wrong.
      return tensor.elements / 8 * type.bits + tensor.elements % 8 * type.bits / 8;
    }
  return std::nullopt;
}

struct placed_tensor {
  header_tensor tensor;
  std::uint64_t begin = 0, end = 0;
};

/// What is wrong; empty: nothing. Throws simdjson_error for what is no such JSON.
std::string read_tensor(object json, placed_tensor& out) {
  bool offsets = false, shape = false;
  for (auto field : json) {
    const std::string_view key = field.unescaped_key();
    if (key == "dtype") {
      out.tensor.type = std::string_view(field.value());
    } else if (key == "shape") {
      shape = true;
      out.tensor.elements = 1;
      for (auto item : field.value().get_array()) {
        const std::uint64_t dim = item.get_uint64();
        out.tensor.shape.push_back(dim);
        if (out.tensor.shape.size() > dims_max) return "has more than 16 dimensions";
        if (dim != 0 && out.tensor.elements > count_max / dim) return "has impossible dimensions";
        out.tensor.elements *= dim;
      }
    } else if (key == "data_offsets") {
      std::size_t count = 0;
      for (auto item : field.value().get_array()) {
        const std::uint64_t offset = item.get_uint64();
        (count == 0 ? out.begin : out.end) = offset;
        ++count;
      }
      if (count != 2) return "has no pair of data_offsets";
      offsets = true;
    } else {
      return "has the unknown member " + quoted_name(key);
    }
  }
  if (out.tensor.type.empty() || !shape || !offsets)
    return "lacks one of dtype, shape and data_offsets";
  if (auto why = why_no_text(out.tensor.type, 32); !why.empty()) return "has a dtype that " + why;
  if (out.end < out.begin) return "ends before it begins";
  const auto bytes = tensor_bytes(out.tensor);
  if (bytes && *bytes != out.end - out.begin)
    return "of type " + out.tensor.type + " takes " + std::to_string(*bytes) +
           " bytes, but its data_offsets give it " + std::to_string(out.end - out.begin);
  return {};
}

/// What is wrong; empty: nothing.
std::string read_json(const std::string& json, std::size_t size, std::vector<placed_tensor>& out) {
  try {
    simdjson::ondemand::parser parser;
    auto document = parser.iterate(json.data(), size, json.size());
    for (auto field : document.get_object()) {
      const std::string name{std::string_view(field.unescaped_key())};
      if (name == "__metadata__") continue;
      auto& tensor = out.emplace_back();
      if (out.size() > header_tensors_max) return "it has too many tensors";
      tensor.tensor.name = name;
      if (auto what = read_tensor(field.value().get_object(), tensor); !what.empty())
        return "tensor " + quoted_name(name) + ' ' + what;
    }
    if (!document.current_location().error()) return "something follows the header's JSON object";
  } catch (const simdjson::simdjson_error& failure) {
    return std::string("the header is not the JSON that it should be: ") + failure.what() +
           (out.empty() ? "" : ", at or after tensor " + quoted_name(out.back().tensor.name));
  }
  return {};
}

/// They follow each other from 0 to `data_bytes`, without gaps or overlaps. What is wrong.
std::string check_places(std::vector<placed_tensor>& tensors, std::uint64_t data_bytes) {
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) {
    return std::pair{a.begin, a.end} < std::pair{b.begin, b.end};
  });
  std::uint64_t end = 0;
  for (const auto& tensor : tensors) {
    if (tensor.begin != end)
      return "tensor " + quoted_name(tensor.tensor.name) + " begins at offset " +
             std::to_string(tensor.begin) +
             (tensor.begin < end ? ", within" : ", behind a gap after") +
             " the one before, which ends at " + std::to_string(end);
    end = tensor.end;
  }
  if (end > data_bytes)
    return "truncated: " + std::to_string(end - data_bytes) +
           " bytes are missing; copy the file again";
  if (end < data_bytes)
    return std::to_string(data_bytes - end) + " bytes follow after the last tensor";
  return {};
}

}  // namespace

caf::expected<weight_header> read_safetensors_header(const std::filesystem::path& path) {
  const auto wrong = [&](const std::string& what) {
    return make_error(errc::invalid_argument, path.string() + ": " + what);
  };
  const auto file = open_to_read(path);
  if (!file) return file.error();
  struct stat info = {};
  if (::fstat(file->get(), &info) != 0) return errno_error(path.string());
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size < 8) return wrong("not a safetensors file: it has " + std::to_string(size) + " bytes");
  std::uint8_t length[8];
  if (auto err = read_at(file->get(), 0, length, path.string())) return err;
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, length, sizeof(header_bytes));
  if (header_bytes > safetensors_header_bytes_max)
    return wrong("not a safetensors file: a header of " + std::to_string(header_bytes) + " bytes");
  if (header_bytes > size - 8)
    return wrong("truncated: " + std::to_string(header_bytes - (size - 8)) +
                 " bytes of its header are missing; copy the file again");
  std::string json(header_bytes + simdjson::SIMDJSON_PADDING, '\0');
  if (auto err =
          read_at(file->get(), 8, {reinterpret_cast<std::uint8_t*>(json.data()), header_bytes},
                  path.string()))
    return err;
  std::vector<placed_tensor> tensors;
  if (auto what = read_json(json, header_bytes, tensors); !what.empty()) return wrong(what);
  if (auto what = check_places(tensors, size - 8 - header_bytes); !what.empty()) return wrong(what);
  weight_header out;
  for (auto& tensor : tensors) out.tensors.push_back(std::move(tensor.tensor));
  return out;
}

}  // namespace tandem
