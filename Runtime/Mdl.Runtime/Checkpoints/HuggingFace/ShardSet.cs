using System.Text.Json;

namespace Mdl.Runtime.Checkpoints;

/// <summary>The safetensors files of a folder, open.</summary>
internal sealed class ShardSet : IDisposable
{
    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, SafetensorsFile> _byName = new(StringComparer.Ordinal);

    private ShardSet()
    {
    }

    public IEnumerable<string> Names => _byName.Keys;

    public static ShardSet Open(string folder)
    {
        var set = new ShardSet();
        try
        {
            var index = Path.Combine(folder, "model.safetensors.index.json");
            if (File.Exists(index))
            {
                set.AddIndexed(folder, index);
            }
            else
            {
                set.Add(Path.Combine(folder, "model.safetensors"));
            }

            return set;
        }
        catch
        {
            set.Dispose();
            throw;
        }
    }

    public SafetensorsEntry? Find(string name) => _byName.TryGetValue(name, out var file) ? file.Tensors[name] : null;

    public SafetensorsFile FileOf(string name) => _byName[name];

    public void Dispose() => _files.ForEach(f => f.Dispose());

    private void Add(string path)
    {
        var file = SafetensorsFile.Open(path);
        _files.Add(file);
        foreach (var name in file.Tensors.Keys)
        {
            if (!_byName.TryAdd(name, file))
            {
                throw new SafetensorsException($"{path}: tensor \"{name}\" is in {_byName[name].Path} too.");
            }
        }
    }

    private void AddIndexed(string folder, string index)
    {
        using var json = JsonFile.Open(index);
        if (!json.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
        {
            throw new SafetensorsException($"{index}: has no object \"weight_map\".");
        }

        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in map.EnumerateObject())
        {
            var file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";
            // An index must not reach outside of its folder, nor at devices.
            if (file.AsSpan().ContainsAny("/\\:\0") || !file.EndsWith(".safetensors", StringComparison.Ordinal))
            {
                throw new SafetensorsException($"{index}: \"{entry.Name}\" must lie in a .safetensors file of the same folder.");
            }

            places[entry.Name] = file;
        }

        foreach (var file in places.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            Add(Path.Combine(folder, file));
        }

        foreach (var (name, file) in places)
        {
            if (!_byName.TryGetValue(name, out var holder) || Path.GetFileName(holder.Path) != file)
            {
                throw new SafetensorsException($"{index}: tensor \"{name}\" is not in {file}.");
            }
        }
    }
}
