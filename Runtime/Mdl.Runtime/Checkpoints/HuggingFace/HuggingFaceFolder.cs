using System.Text.Json;
using Mdl.Runtime.Models;

namespace Mdl.Runtime.Checkpoints;

/// <summary>
/// A published checkpoint: config.json with model.safetensors, or with the files that model.safetensors.index.json lists. Opening checks the
/// configuration and the headers of all files; reading streams the values with little memory of its own.
/// </summary>
public sealed class HuggingFaceFolder : IDisposable
{
    private readonly ModelInfo _info;
    private readonly CheckpointMap _map;
    private readonly ShardSet _shards;

    private HuggingFaceFolder(ModelInfo info, CheckpointMap map, bool hasMtp, ShardSet shards) => (_info, _map, HasMtp, _shards) = (info, map, hasMtp, shards);

    /// <summary>Whether the folder has the weights of multi-token prediction.</summary>
    public bool HasMtp { get; }

    /// <summary>Opens a folder and checks that it holds the weights of a model.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="info">The model.</param>
    /// <param name="maps">The kinds of checkpoints that the model knows.</param>
    /// <exception cref="SafetensorsException">
    /// A file is missing or damaged, config.json differs from the model, or tensors are missing, unexpected or of another shape; the message lists all of them.
    /// </exception>
    public static HuggingFaceFolder Open(string path, ModelInfo info, IReadOnlyList<CheckpointMap> maps)
    {
        ArgumentNullException.ThrowIfNull(info);
        ArgumentNullException.ThrowIfNull(maps);
        if (maps.Count == 0)
        {
            throw new SafetensorsException($"{path}: the source of {info.Name} declares no checkpoint, so folders cannot be read.");
        }

        using var config = JsonFile.Open(Path.Combine(path, "config.json"));
        var problems = new List<string>();
        foreach (var map in maps)
        {
            var differences = ConfigCheck.Differences(config.RootElement, map.Config, out var hasMtp);
            if (differences.Count > 0)
            {
                problems.Add($"as {map.Name}: {string.Join("; ", differences)}");
                continue;
            }

            var shards = ShardSet.Open(path);
            try
            {
                var folder = new HuggingFaceFolder(info, map, hasMtp, shards);
                folder.CheckTensors(path);
                return folder;
            }
            catch
            {
                shards.Dispose();
                throw;
            }
        }

        throw new SafetensorsException($"{Path.Combine(path, "config.json")}: does not fit model {info.Name}: {string.Join("; ", problems)}.");
    }

    /// <summary>Reads all weights.</summary>
    /// <param name="destination">Where they go.</param>
    /// <exception cref="SafetensorsException">A file was cut short since it was opened.</exception>
    public void ReadTo(IWeightDestination destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var reader = new TensorReader(_shards, destination);
        foreach (var place in Places())
        {
            reader.Read(place);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _shards.Dispose();

    /// <summary>The kind of checkpoint.</summary>
    internal CheckpointMap Map => _map;

    private IEnumerable<TensorPlace> Places() => TensorPlace.All(_info, _map, HasMtp);

    private void CheckTensors(string path)
    {
        var problems = new TensorProblems();
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        foreach (var place in Places())
        {
            wanted.Add(place.Name);
            if (_shards.Find(place.Name) is not { } found)
            {
                problems.Missing.Add(place.Name);
                continue;
            }

            var scaled = found.Type == "F8_E4M3";
            if (!found.Shape.SequenceEqual(place.Shape) || !(TensorReader.Reads(found.Type) || (scaled && place.Shape.Length == 2)))
            {
                problems.Mismatched.Add($"{place.Name} is {found.Type} [{string.Join(", ", found.Shape)}] instead of [{string.Join(", ", place.Shape)}]");
            }
            else if (scaled)
            {
                var name = place.Name + TensorReader.ScaleSuffix;
                wanted.Add(name);
                long[] blocks = [TensorReader.Blocks(place.Shape[0]), TensorReader.Blocks(place.Shape[1])];
                if (_shards.Find(name) is not { } scale)
                {
                    problems.Missing.Add(name);
                }
                else if (scale.Type != "F32" || !scale.Shape.SequenceEqual(blocks))
                {
                    problems.Mismatched.Add($"{name} is {scale.Type} [{string.Join(", ", scale.Shape)}] instead of F32 [{string.Join(", ", blocks)}]");
                }
            }
        }

        problems.Unexpected.AddRange(_shards.Names.Where(n => !wanted.Contains(n)));
        problems.ThrowIfAny(path, _info.Name);
    }
}
