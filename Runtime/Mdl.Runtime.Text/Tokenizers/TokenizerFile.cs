using System.Text;
using System.Text.Json;
using Microsoft.ML.Tokenizers;

namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>Reads tokenizer.json of Hugging Face's tokenizers library, as far as byte-level BPE goes.</summary>
internal static class TokenizerFile
{
    public static TokenizerParts Read(string path)
    {
        using var stream = File.OpenRead(path);
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(stream);
        }
        catch (JsonException exception)
        {
            throw new TokenizerException($"{path}: not JSON: {exception.Message}", exception);
        }

        using (document)
        {
            var root = new JsonNodeReader(path, document.RootElement);
            var model = root.Object("model");
            model.Require("type", "BPE");
            model.RequireAbsent("dropout");
            model.RequireAbsent("continuing_subword_prefix");
            model.RequireAbsent("end_of_word_suffix");
            model.RequireAbsent("byte_fallback");
            root.Optional("decoder")?.Require("type", "ByteLevel");
            root.Optional("post_processor")?.RequireOneOf("type", "ByteLevel", "TemplateProcessing", "Sequence");
            var vocabulary = Vocabulary(model);
            var added = AddedTokens(root);
            var special = added.Select(t => t.Content).ToHashSet(StringComparer.Ordinal);
            return new TokenizerParts
            {
                Vocabulary = vocabulary,
                AddedTokens = added,
                Merger = BpeTokenizer.Create(new BpeOptions(vocabulary) { Merges = Merges(model, vocabulary, special), ByteLevel = true }),
                PreTokenizer = PreTokenizerReader.Read(root),
                Normalization = Normalization(root.Optional("normalizer")),
                WholePieces = model.Flag("ignore_merges", false)
                    ? new Dictionary<string, int>(vocabulary.Where(p => !special.Contains(p.Key)), StringComparer.Ordinal)
                    : null,
            };
        }
    }

    private static Dictionary<string, int> Vocabulary(JsonNodeReader model)
    {
        var tokens = model.Object("vocab");
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (name, value) in tokens.Members())
        {
            vocabulary[name] = value.Integer();
        }

        for (var value = 0; value < 256; value++)
        {
            if (!vocabulary.ContainsKey(ByteAlphabet.Character((byte)value).ToString()))
            {
                throw tokens.Error($"has no token for byte 0x{value:X2}: the vocabulary is not byte-level");
            }
        }

        return vocabulary;
    }

    private static List<string> Merges(JsonNodeReader model, Dictionary<string, int> vocabulary, HashSet<string> special)
    {
        var merges = new List<string>();
        foreach (var item in model.Items("merges"))
        {
            var pair = item.PairOfStrings();
            var result = pair.Left + pair.Right;
            if (!vocabulary.ContainsKey(pair.Left) || !vocabulary.ContainsKey(pair.Right) || !vocabulary.ContainsKey(result))
            {
                throw item.Error($"merges '{pair.Left}' and '{pair.Right}', but these and '{result}' are not all in model.vocab");
            }

            // Else a user's text could become markup by merging.
            if (special.Contains(result))
            {
                throw item.Error($"merges text into the added token '{result}'");
            }

            merges.Add($"{pair.Left} {pair.Right}");
        }

        return merges;
    }

    private static List<AddedToken> AddedTokens(JsonNodeReader root)
    {
        var tokens = new List<AddedToken>();
        foreach (var item in root.OptionalItems("added_tokens"))
        {
            item.RequireAbsent("single_word");
            var content = item.Text("content");
            var id = item.Object("id").Integer();
            if (content.Length == 0)
            {
                throw item.Error("has an empty content");
            }

            tokens.Add(new AddedToken(
                id, content, item.Flag("special", false), item.Flag("lstrip", false), item.Flag("rstrip", false), item.Flag("normalized", true)));
        }

        return tokens;
    }

    private static NormalizationForm? Normalization(JsonNodeReader? node)
    {
        if (node is null)
        {
            return null;
        }

        if (node.Text("type") == "Sequence")
        {
            var forms = node.Items("normalizers").Select(Normalization).Where(f => f is not null).Distinct().ToList();
            return forms.Count == 0 ? null : forms[0];
        }

        node.Require("type", "NFC");
        return "e\u0301".Normalize(NormalizationForm.FormC).Length == 1
            ? NormalizationForm.FormC
            : throw node.Error("is NFC, which .NET does not do in globalization-invariant mode; set InvariantGlobalization to false");
    }
}
