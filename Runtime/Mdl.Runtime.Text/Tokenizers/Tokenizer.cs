using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Mdl.Runtime.Text.Tokenizers;

/// <summary>
/// A byte-level BPE tokenizer of a Hugging Face folder. Adds no tokens of its own at the begin or the end: what a model wants there is its chat
/// template's affair. Encoding and decoding may run on several threads at once.
/// </summary>
public sealed class Tokenizer
{
    private readonly TokenizerParts _parts;
    private readonly AddedTokenMatcher _matcher;
    private readonly AddedTokenMatcher _normalizedMatcher;
    private readonly Dictionary<string, int> _ids;
    private readonly HashSet<int> _special;

    internal Tokenizer(TokenizerParts parts)
    {
        _parts = parts;
        var normalizes = parts.Normalization is not null;
        _matcher = new AddedTokenMatcher(parts.AddedTokens.Where(t => !normalizes || !t.IsNormalized));
        _normalizedMatcher = new AddedTokenMatcher(parts.AddedTokens.Where(t => normalizes && t.IsNormalized));
        _special = [.. parts.AddedTokens.Where(t => t.IsSpecial).Select(t => t.Id)];
        _ids = new Dictionary<string, int>(parts.Vocabulary, StringComparer.Ordinal);
        foreach (var token in parts.AddedTokens)
        {
            _ids[token.Content] = token.Id;
        }

        Count = _ids.Values.Max() + 1;
        var bytes = new byte[]?[Count];
        foreach (var (token, id) in parts.Vocabulary)
        {
            bytes[id] = ByteAlphabet.Bytes(token);
        }

        foreach (var token in parts.AddedTokens)
        {
            bytes[token.Id] = Encoding.UTF8.GetBytes(token.Content);
        }

        Bytes = new TokenBytes(bytes);
    }

    /// <summary>One more than the highest number of a token; a model may have more rows.</summary>
    public int Count { get; }

    /// <summary>The tokens that are found in text before it is cut.</summary>
    public IReadOnlyList<AddedToken> AddedTokens => _parts.AddedTokens;

    internal TokenBytes Bytes { get; }

    /// <summary>Reads tokenizer.json.</summary>
    /// <param name="path">The file, or the folder that has it.</param>
    /// <exception cref="TokenizerException">The file is damaged or asks for what this class does not do; the message names file, key and value.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static Tokenizer Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        return new Tokenizer(TokenizerFile.Read(Directory.Exists(path) ? Path.Combine(path, "tokenizer.json") : path));
    }

    /// <summary>The number of a token by its name in the file, or null.</summary>
    public int? IdOf(string token) => _ids.TryGetValue(token, out var id) ? id : null;

    /// <summary>Whether a token is markup rather than text.</summary>
    public bool IsSpecial(int id) => _special.Contains(id);

    /// <summary>The bytes that a token stands for; none for a number that no token has.</summary>
    public ReadOnlySpan<byte> BytesOf(int id) => Bytes[id];

    /// <summary>The tokens of a text. Halves of surrogate pairs become U+FFFD.</summary>
    public int[] Encode(string text, SpecialTokens special = SpecialTokens.AsText) => Encode([new TextPart(text, special)]);

    /// <summary>The tokens of a text of several pieces. Between two added tokens all pieces are one text: where one ends leaves no trace.</summary>
    public int[] Encode(IEnumerable<TextPart> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        var ids = new List<int>();
        var run = new List<TextPart>();
        foreach (var part in parts)
        {
            var from = 0;
            while (part.Special == SpecialTokens.Parse && _matcher.Next(part.Text, from) is (not null, _, _) found)
            {
                run.Add(part with { Text = part.Text[from..found.Start] });
                EncodeRun(run, ids);
                ids.Add(found.Token.Id);
                from = found.End;
            }

            run.Add(part with { Text = part.Text[from..] });
        }

        EncodeRun(run, ids);
        return [.. ids];
    }

    /// <summary>The text of tokens. Bytes that are not UTF-8 become U+FFFD.</summary>
    /// <param name="ids">The tokens; a number that none has gives nothing.</param>
    /// <param name="skipSpecial">Leave out markup.</param>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecial = false)
    {
        var bytes = new ArrayBufferWriter<byte>();
        foreach (var id in ids)
        {
            if (!skipSpecial || !IsSpecial(id))
            {
                bytes.Write(Bytes[id]);
            }
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }

    private void EncodeRun(List<TextPart> run, List<int> ids)
    {
        if (_parts.Normalization is not { } form)
        {
            EncodePlain(string.Concat(run.Select(p => p.Text)), ids);
            run.Clear();
            return;
        }

        var plain = new StringBuilder();
        foreach (var part in run)
        {
            var text = WellFormed(part.Text).Normalize(form);
            var from = 0;
            while (part.Special == SpecialTokens.Parse && _normalizedMatcher.Next(text, from) is (not null, _, _) found)
            {
                EncodePlain(plain.Append(text, from, found.Start - from).ToString().Normalize(form), ids);
                plain.Clear();
                ids.Add(found.Token.Id);
                from = found.End;
            }

            plain.Append(text, from, text.Length - from);
        }

        EncodePlain(plain.ToString().Normalize(form), ids);
        run.Clear();
    }

    private void EncodePlain(string text, List<int> ids)
    {
        var (whole, pieces) = _parts.PreTokenizer.Split(WellFormed(text));
        foreach (var piece in pieces)
        {
            var characters = whole.AsSpan()[piece];
            if (_parts.WholePieces is { } wholePieces && wholePieces.TryGetValue(InAlphabet(characters), out var id))
            {
                ids.Add(id);
            }
            else
            {
                ids.AddRange(_parts.Merger.EncodeToIds(characters, considerPreTokenization: false, considerNormalization: false));
            }
        }
    }

    private static string InAlphabet(ReadOnlySpan<char> text)
    {
        var bytes = Encoding.UTF8.GetBytes(text.ToArray());
        return string.Create(bytes.Length, bytes, (characters, source) =>
        {
            for (var i = 0; i < source.Length; i++)
            {
                characters[i] = ByteAlphabet.Character(source[i]);
            }
        });
    }

    private static string WellFormed(string text) =>
        text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? string.Concat(text.EnumerateRunes()) : text;
}
