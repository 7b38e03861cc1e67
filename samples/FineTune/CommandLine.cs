using System.CommandLine;
using System.Globalization;
using System.Numerics;
using Mdl.Runtime.Generation;
using Mdl.Runtime.Models;

namespace Ling.FineTune;

/// <summary>The options of the program and their help.</summary>
public static class CommandLine
{
    private static readonly Dictionary<string, WeightFormat> Formats = new(StringComparer.Ordinal)
    {
        ["f32"] = WeightFormat.Single, ["bf16"] = WeightFormat.BFloat16, ["int8"] = WeightFormat.Int8, ["int4"] = WeightFormat.Int4, ["fp8"] = WeightFormat.Float8,
    };

    public static RootCommand Create(Func<FineTuneOptions, int> run)
    {
        var model = new Option<string?>("--model") { HelpName = "FOLDER", Description = "Hugging Face folder of a Ling 2.0 model, or a checkpoint of preset Nano" };
        var random = new Option<string?>("--random") { Description = "Random weights instead, to try without files; tokens are bytes. mini4 is the first 4 layers of Ling-mini-2.0 with its vocabulary, for --lora" };
        random.AcceptOnlyFromAmong("tiny", "nano", "mini4");
        var data = new Option<string?>("--data")
        {
            HelpName = "FILE",
            Description = "FILE.jsonl: a conversation a line, {\"messages\":[{\"role\":\"user\",\"content\":\"..\"},{\"role\":\"assistant\",\"content\":\"..\"}]}, of which the answers are learnt; "
                + "any other file: plain text, all of which is learnt",
        };
        var lora = Number<int>("--lora", $"Train low-rank adapters of this rank, 1 to {FineTuneOptions.MostRank} [default: train all parameters]", "RANK");
        var weights = new Option<string>("--weights")
        {
            Description = "With --lora, how frozen matrices are held; in other formats than f32 the result is the adapters alone", DefaultValueFactory = _ => "f32",
        };
        weights.AcceptOnlyFromAmong([.. Formats.Keys]);
        var rate = Number<double>("--rate", "Peak learning rate [default: 2e-5, with adapters 2e-4]");
        var steps = Number<long>("--steps", "Steps of the whole run, those before a resume included [default: 200]");
        var batch = Number<int>("--batch", "Sequences in a batch [default: 4]");
        var length = Number<int>("--length", "Predicted tokens in a sequence: the longest conversation, less one [default: 256]");
        var seed = Number<ulong>("--seed", "Seed of weights, order and answers [default: 0]");
        var resume = new Option<bool>("--resume") { Description = "Continue the run in the output folder; what is not said again is as it was" };
        var output = new Option<string>("--out") { HelpName = "DIR", Description = "Folder for checkpoint, metrics and the result", DefaultValueFactory = _ => "out" };
        var system = new Option<string?>("--system") { HelpName = "TEXT", Description = "Instructions for conversations that have none" };
        var force = new Option<bool>("--force-template") { Description = "Use the chat format of Ling 2.0 even if the folder declares another" };
        var prompt = new Option<string?>("--prompt") { HelpName = "TEXT", Description = "Question that is answered before and after [default: the first one held out]" };
        var maxTokens = Number<int>("--max-tokens", "Most tokens of an answer; 0 for none [default: 64]");
        var temperature = Number<double>("--temperature", "Temperature of answers; 0 takes the likeliest token [default: 0]");
        var evaluate = Number<int>("--eval-every", "Steps between held-out evaluations; 0 for one at the end [default: 50]");
        var checkpoint = Number<int>("--checkpoint-every", "Steps between checkpoints; 0 for one at the end [default: 100]");
        var threads = Number<int>("--threads", "Worker threads [default: one per logical processor]");
        var quiet = new Option<bool>("--quiet") { Description = "Print nothing but errors" };
        var root = new RootCommand("Fine-tunes a Ling 2.0 model on conversations, of which only the answers are learnt, or goes on pre-training it on plain text.")
        {
            model, random, data, lora, weights, rate, steps, batch, length, seed, resume, output, system, force, prompt, maxTokens, temperature, evaluate, checkpoint, threads, quiet,
        };
        root.SetAction(result => run(new FineTuneOptions
        {
            Model = result.GetValue(model),
            Random = result.GetValue(random),
            Data = result.GetValue(data),
            Lora = result.GetValue(lora),
            Weights = Formats[result.GetValue(weights)!],
            Rate = result.GetValue(rate),
            Steps = result.GetValue(steps),
            Batch = result.GetValue(batch),
            Length = result.GetValue(length),
            Seed = result.GetValue(seed),
            Resume = result.GetValue(resume),
            Out = result.GetValue(output)!,
            System = result.GetValue(system),
            ForceTemplate = result.GetValue(force),
            Prompt = result.GetValue(prompt),
            EvalEvery = result.GetValue(evaluate) ?? 50,
            CheckpointEvery = result.GetValue(checkpoint) ?? 100,
            Threads = result.GetValue(threads),
            Quiet = result.GetValue(quiet),
            Sampling = new SamplingOptions { Temperature = result.GetValue(temperature) ?? 0, MaxTokens = result.GetValue(maxTokens) ?? 64 },
        }));
        return root;
    }

    // Parsed by hand: a decimal point whatever the user's culture, and an error without the names of .NET types.
    private static Option<T?> Number<T>(string name, string description, string helpName = "N")
        where T : struct, INumber<T>, IMinMaxValue<T> => new(name)
    {
        HelpName = helpName,
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
