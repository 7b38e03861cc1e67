using System.Text.Json;
using Mdl.Runtime.Text.Tokenizers;

namespace Mdl.Runtime.Text.Chat;

/// <summary>What a folder says about generation: generation_config.json, or config.json where that does not say it.</summary>
/// <param name="StopTokens">Tokens that end an answer; none if neither file names one.</param>
public sealed record GenerationConfig(IReadOnlyList<int> StopTokens)
{
    /// <summary>Reads a Hugging Face folder.</summary>
    /// <exception cref="TokenizerException">A file is damaged; the message names file, key and value.</exception>
    public static GenerationConfig Load(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        foreach (var name in (ReadOnlySpan<string>)["generation_config.json", "config.json"])
        {
            var path = Path.Combine(folder, name);
            if (File.Exists(path) && StopTokensOf(path) is { } tokens)
            {
                return new GenerationConfig(tokens);
            }
        }

        return new GenerationConfig([]);
    }

    private static int[]? StopTokensOf(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return new JsonNodeReader(path, document.RootElement).Optional("eos_token_id")?.Integers().ToArray();
        }
        catch (JsonException exception)
        {
            throw new TokenizerException($"{path}: not JSON: {exception.Message}", exception);
        }
    }
}
