using System.Text;
using CsCheck;
using Mdl.Dsl.Syntax;

namespace Mdl.Dsl.Tests.Syntax;

/// <summary>No text may make the parser throw, and whatever it returns must be sound. All seeds are fixed.</summary>
public class FuzzTests
{
    private static readonly string[] Insertions =
    [
        "{", "}", "(", ")", "[", "]", ";", ",", ":", ".", "..", "'", "\"", "=", "+=", "->", "+", "-", "*", "/", "@", "^", "<", "==", "//", "/*", "*/", "///",
        "let", "param", "state", "return", "loss", "after", "mtp", "repeat", "block", "router", "model", "moe", "preset", "train", "of", "in", "int",
        "1e999", "99999999999999999999", "0x1", "1T", "\0", "\uFEFF", "\uD835", "\uDC00", "𝛼", "\r", "\n", "\u2028", "\\", "#", "$", "`", "\u0007",
    ];

    public static TheoryData<string, int> Samples => new() { { "ling", 1 }, { "ling", 2 }, { "moons", 3 } };

    [Theory]
    [MemberData(nameof(Samples))]
    public void MutatedCharactersDoNoHarm(string sample, int seed)
    {
        var random = new Random(seed);
        var text = Sample(sample).Text;
        for (var i = 0; i < 400; i++)
        {
            var mutated = new StringBuilder(text);
            for (var n = random.Next(1, 6); n > 0; n--)
            {
                Mutate(mutated, random);
            }

            CheckSound(mutated.ToString());
        }
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void MutatedTokensDoNoHarm(string sample, int seed)
    {
        var random = new Random(seed);
        var pieces = Pieces(Sample(sample));
        for (var i = 0; i < 400; i++)
        {
            var mutated = pieces.ToList();
            for (var n = random.Next(1, 6); n > 0; n--)
            {
                var at = random.Next(mutated.Count);
                var other = random.Next(mutated.Count);
                switch (random.Next(4))
                {
                    case 0:
                        mutated.RemoveAt(at);
                        break;
                    case 1:
                        mutated.Insert(at, mutated[other]);
                        break;
                    case 2:
                        (mutated[at], mutated[other]) = (mutated[other], mutated[at]);
                        break;
                    default:
                        mutated.Insert(at, " " + Insertions[random.Next(Insertions.Length)] + " ");
                        break;
                }
            }

            CheckSound(string.Concat(mutated));
        }
    }

    /// <summary>Every token of the sample is left out once: that is one mistake, and must cost no more than the declaration it is in.</summary>
    [Fact]
    public void AMissingTokenIsOneMistake()
    {
        var pieces = Pieces(Files.Ling);
        var names = MdlParser.Parse(Files.Ling).File.Declarations.Select(d => d.Name.Text).ToList();
        var counts = new int[pieces.Count];
        for (var i = 0; i < pieces.Count; i++)
        {
            var text = string.Concat(pieces.Where((_, j) => j != i));
            var result = CheckSound(text);
            counts[i] = result.Diagnostics.Count;
            var left = result.File.Declarations.Select(d => d.Name.Text).ToList();
            Assert.True(names.Except(left).Count() <= 1, $"without '{pieces[i]}' (token {i}) more than one of {string.Join(", ", names)} is lost; left are {string.Join(", ", left)}");
        }

        // Leaving out a brace in the middle of a body can make its other brace a mistake of its own.
        Assert.True(counts.Max() <= 3, $"without token {Array.IndexOf(counts, counts.Max())} '{pieces[Array.IndexOf(counts, counts.Max())]}' there are {counts.Max()} diagnostics");
        Assert.True(counts.Count(n => n > 1) <= pieces.Count / 50, 
            $"{counts.Count(n => n > 1)} of {pieces.Count} tokens give more than one diagnostic: " + string.Join(", ", pieces.Where((_, i) => counts[i] > 1)));
    }

    [Fact]
    public void TruncatedTextDoesNoHarm()
    {
        for (var length = 0; length < Files.Ling.Text.Length; length += 7)
        {
            CheckSound(Files.Ling.Text.Substring(0, length));
        }
    }

    [Fact]
    public void RandomTextDoesNoHarm()
        => Gen.OneOf(
            Gen.String,
            Gen.Byte.Array[0, 400].Select(Encoding.Latin1.GetString),
            Gen.Char.Array[0, 400].Select(chars => new string(chars)),
            Gen.OneOf(Insertions).Array[0, 200].Select(words => string.Join(" ", words)))
            .Sample(text => { CheckSound(text); }, iter: 3000, threads: 1, seed: "0000000000001");

    private static ParseResult CheckSound(string text)
    {
        var source = new SourceText("fuzz.mdl", text);
        var result = MdlParser.Parse(source);
        Tree.Check(source, result);
        return result;
    }

    private static void Mutate(StringBuilder text, Random random)
    {
        var at = random.Next(text.Length);
        switch (random.Next(4))
        {
            case 0:
                text.Remove(at, Math.Min(random.Next(1, 8), text.Length - at));
                break;
            case 1:
                text.Insert(at, text.ToString(at, Math.Min(random.Next(1, 40), text.Length - at)));
                break;
            case 2:
                var other = random.Next(text.Length);
                (text[at], text[other]) = (text[other], text[at]);
                break;
            default:
                text.Insert(at, Insertions[random.Next(Insertions.Length)]);
                break;
        }
    }

    private static SourceText Sample(string name) => name == "ling" ? Files.Ling : Files.Moons;

    /// <summary>The tokens of a text, each with the blanks before it.</summary>
    private static List<string> Pieces(SourceText source)
    {
        var end = 0;
        var pieces = new List<string>();
        foreach (var token in new Scanner(source, new(source), default).Scan())
        {
            pieces.Add(source.Text.Substring(end, token.Span.End - end));
            end = token.Span.End;
        }

        return pieces;
    }
}
