using System.Globalization;
using System.Text.Json.Nodes;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Checkpoints;

/// <summary>Writes the weights of a model as a published checkpoint: what <see cref="HuggingFaceFolder"/> reads.</summary>
internal static class FolderWriter
{
    private const string SingleFile = "model.safetensors";
    private const string IndexFile = "model.safetensors.index.json";

    /// <summary>Writes a folder; one that is there is replaced as a whole: see <see cref="AtomicFolder"/>.</summary>
    /// <param name="model">The model, its weights in any format.</param>
    /// <param name="path">The folder.</param>
    /// <param name="map">The kind of checkpoint.</param>
    /// <param name="options">Types and sizes.</param>
    /// <exception cref="SafetensorsException">A weight is outside of what the type holds, or the folder holds what must not be replaced.</exception>
    public static void Write(LanguageModel model, string path, CheckpointMap map, FolderOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxFileBytes, 1);
        var companions = options.Companions ?? model.LoadedFolder;
        if (companions is not null && !Directory.Exists(companions))
        {
            throw new SafetensorsException($"{companions}: there is no such folder to take tokenizer and configuration from; name another in {nameof(FolderOptions)}.{nameof(FolderOptions.Companions)}.");
        }

        AtomicFolder.Write(path, IsReplaced, staged =>
        {
            if (companions is not null)
            {
                CompanionFiles.Copy(companions, staged);
            }

            var config = ConfigFile.Create(map, model.HasMtp, options.Type, companions);
            ConfigFile.Write(Path.Combine(staged, "config.json"), config);
            WriteTensors(model, staged, map, options);
        });
    }

    // What a save does not write again must not stay behind: it would be another checkpoint's.
    private static bool IsReplaced(string file) => file is "config.json" || file.EndsWith(".safetensors", StringComparison.Ordinal) || file.EndsWith(".safetensors.index.json", StringComparison.Ordinal);

    private static void WriteTensors(LanguageModel model, string folder, CheckpointMap map, FolderOptions options)
    {
        var encoder = new TensorEncoder(model.Store, model.Info);
        var files = new List<SafetensorsWriter>();
        var places = new List<List<string>>();
        long filled = 0, total = 0;
        foreach (var place in TensorPlace.All(model.Info, map, model.HasMtp))
        {
            var type = model.Info.Parameters[place.Parameter].IsState ? TensorType.Single : options.Type;
            var bytes = place.Size * TensorEncoder.BytesOf(type);
            if (files.Count == 0 || (filled > 0 && filled + bytes > options.MaxFileBytes))
            {
                files.Add(new SafetensorsWriter());
                // What Transformers looks for before it takes a file.
                files[^1].SetMetadata("format", "pt");
                places.Add([]);
                filled = 0;
            }

            files[^1].Add(place.Name, TensorEncoder.NameOf(type), place.Shape, bytes, stream => encoder.Write(stream, place, type));
            places[^1].Add(place.Name);
            filled += bytes;
            total += bytes;
        }

        if (files.Count == 1)
        {
            files[0].Save(Path.Combine(folder, SingleFile));
            return;
        }

        var index = new JsonObject();
        for (var i = 0; i < files.Count; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"model-{i + 1:D5}-of-{files.Count:D5}.safetensors");
            files[i].Save(Path.Combine(folder, name));
            places[i].ForEach(tensor => index[tensor] = name);
        }

        ConfigFile.Write(Path.Combine(folder, IndexFile), new JsonObject { ["metadata"] = new JsonObject { ["total_size"] = total }, ["weight_map"] = index });
    }
}
