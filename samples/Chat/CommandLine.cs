using System.CommandLine;
using System.Globalization;
using System.Numerics;
using Mdl.Runtime.Generation;
using Mdl.Runtime.Models;

namespace Ling.Chat;

/// <summary>The options of the program and their help.</summary>
public static class CommandLine
{
    private static readonly Dictionary<string, WeightFormat> Formats = new(StringComparer.Ordinal)
    {
        ["f32"] = WeightFormat.Single, ["bf16"] = WeightFormat.BFloat16, ["int8"] = WeightFormat.Int8, ["int4"] = WeightFormat.Int4, ["fp8"] = WeightFormat.Float8,
    };

    public static RootCommand Create(Func<ChatOptions, int> run)
    {
        var model = new Option<string?>("--model") { HelpName = "FOLDER|FILE", Description = "Hugging Face folder of a Ling model, or a file that --save-weights made" };
        var tokenizer = new Option<string?>("--tokenizer") { HelpName = "FOLDER", Description = "Folder of tokenizer.json [default: that of the model]" };
        var random = new Option<string?>("--random") { Description = "Random weights instead, to try the speed: mini4 is the first 4 layers of Ling-mini-2.0 with its vocabulary" };
        random.AcceptOnlyFromAmong("mini4", "tiny");
        var weights = new Option<string?>("--weights") { Description = "How matrices are held: the shorter, the quicker and the less exact [default: as the file holds them, else bf16]" };
        weights.AcceptOnlyFromAmong([.. Formats.Keys]);
        var save = new Option<string?>("--save-weights") { HelpName = "FILE", Description = "Write the weights as they are held to a file that loads at once, and end" };
        var report = new Option<bool>("--report") { Description = "Tell how far each tensor is off what the folder has" };
        var system = new Option<string?>("--system") { HelpName = "TEXT", Description = "Instructions that come before the conversation" };
        var think = new Option<string>("--think") { Description = "Ask the model to think before it answers", DefaultValueFactory = _ => "off" };
        think.AcceptOnlyFromAmong("on", "off");
        var force = new Option<bool>("--force-template") { Description = "Use the chat format of Ling 2.0 even if the folder declares another" };
        var prompt = new Option<string?>("--prompt") { HelpName = "TEXT", Description = "Answer this and end" };
        var maxTokens = Number<int>("--max-tokens", "Most tokens of an answer [default: 512]");
        var context = Number<int>("--context", "Most tokens of a conversation [default: 4096]");
        var seed = Number<ulong>("--seed", "Seed of random weights and of the answers [default: 0]");
        var threads = Number<int>("--threads", "Worker threads [default: one per logical processor]");
        var temperature = Number<double>("--temperature", "Temperature; 0 takes the likeliest token [default: 0.7]");
        var topK = Number<int>("--top-k", "Draw among the likeliest k tokens; 0 for all [default: 0]");
        var topP = Number<double>("--top-p", "Draw among the likeliest tokens that hold this share [default: 0.95]");
        var minP = Number<double>("--min-p", "Draw among tokens at least this times as likely as the likeliest [default: 0]");
        var penalty = Number<double>("--repetition-penalty", "Factor against tokens that occurred [default: 1]");

        var root = new RootCommand("Chat with a Ling 2.0 model. /reset forgets the conversation, /exit ends, Ctrl+C stops an answer.")
        {
            model, tokenizer, random, weights, save, report, system, think, force, prompt, maxTokens, context, seed, threads, temperature, topK, topP, minP, penalty,
        };
        root.SetAction(result => run(new ChatOptions
        {
            Model = result.GetValue(model),
            Random = result.GetValue(random),
            Tokenizer = result.GetValue(tokenizer),
            Weights = result.GetValue(weights) is { } format ? Formats[format] : null,
            SaveWeights = result.GetValue(save),
            Report = result.GetValue(report),
            System = result.GetValue(system),
            Think = result.GetValue(think) == "on",
            ForceTemplate = result.GetValue(force),
            Prompt = result.GetValue(prompt),
            MaxTokens = result.GetValue(maxTokens) ?? 512,
            Context = result.GetValue(context) ?? 4096,
            Threads = result.GetValue(threads),
            Sampling = new SamplingOptions
            {
                Temperature = result.GetValue(temperature) ?? 0.7,
                TopK = result.GetValue(topK) ?? 0,
                TopP = result.GetValue(topP) ?? 0.95,
                MinP = result.GetValue(minP) ?? 0,
                RepetitionPenalty = result.GetValue(penalty) ?? 1,
                Seed = result.GetValue(seed) ?? 0,
            },
        }));
        return root;
    }

    // Parsed by hand: a decimal point whatever the user's culture, and an error without the names of .NET types.
    private static Option<T?> Number<T>(string name, string description)
        where T : struct, INumber<T>, IMinMaxValue<T> => new(name)
    {
        HelpName = "N",
        Description = description,
        CustomParser = result =>
        {
            if (T.TryParse(result.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
            {
                return value;
            }

            var wanted = !T.IsInteger(T.One / (T.One + T.One)) ? "a number such as 0.5"
                : BigInteger.TryParse(result.Tokens[0].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) ? $"between {T.MinValue} and {T.MaxValue}"
                : "a whole number";
            result.AddError($"{name} is '{result.Tokens[0].Value}'; it must be {wanted}.");
            return null;
        },
    };
}
