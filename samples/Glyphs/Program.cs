using System.CommandLine;
using Glyphs.Sample;
using Mdl.Runtime.Checkpoints;

var steps = new Option<int>("--steps") { Description = "Steps of training; 0 draws with the weights of --model", DefaultValueFactory = _ => 3000 };
var batch = new Option<int>("--batch") { Description = "Images in a batch", DefaultValueFactory = _ => 104 };
var images = new Option<int>("--images") { Description = "How many images are drawn from the fonts", DefaultValueFactory = _ => 20_800 };
var rows = new Option<int>("--rows") { Description = "Samples of each letter in a sheet", DefaultValueFactory = _ => 8 };
var seed = new Option<int>("--seed") { Description = "The seed of data, weights and noise", DefaultValueFactory = _ => 1 };
var data = new Option<string?>("--data") { Description = "A folder of images to learn instead of letters; folders in it are classes" };
var fonts = new Option<string?>("--fonts") { Description = "A folder of fonts; those of the system if left out" };
var model = new Option<string?>("--model") { Description = "A file of weights to start from" };
var output = new Option<string>("--out") { Description = "The folder for pictures and weights", DefaultValueFactory = _ => "out" };
foreach (var (option, least) in new[] { (steps, 0), (batch, 1), (images, 2 * LetterCount()), (rows, 1) })
{
    option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int>() < least)
        {
            result.AddError($"{result.Option.Name} must be at least {least}.");
        }
    });
}

var command = new RootCommand("Learns to draw letters as the fonts of the machine have them, and draws some.") { steps, batch, images, rows, seed, data, fonts, model, output };
command.SetAction(parsed =>
{
    try
    {
        new GlyphRun(new(
            parsed.GetValue(steps), parsed.GetValue(batch), parsed.GetValue(images), parsed.GetValue(rows), parsed.GetValue(seed), parsed.GetValue(data), parsed.GetValue(fonts),
            parsed.GetValue(model), parsed.GetValue(output)!)).Run();
        return 0;
    }
    catch (Exception e) when (e is UsageException or SafetensorsException or IOException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine(e.Message);
        return 1;
    }
});
return command.Parse(args).Invoke();

static int LetterCount() => Glyphs.LetterModel.Classes;
